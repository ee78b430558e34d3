import { expect, it } from 'vitest';
import { float, model, node } from '../../test/models.js';
import { externalPlaces, movedWeights } from './external-weights.js';

const weights = model(
  [node('Add', ['x', 'a'], 't'), node('Add', ['t', 'c'], 'u'), node('Add', ['u', 'b'], 'y')],
  [float('x', [2, 3])],
  [float('y', [2, 3])],
  [
    { name: 'a', type: 'float32', shape: [2, 3], values: { location: 'w', offset: 8, bytes: 24 } },
    { name: 'c', type: 'float32', shape: [1], values: new Uint8Array(4) },
    { name: 'b', type: 'float32', shape: [], values: { location: 'v', offset: 2 ** 33, bytes: 4 } },
  ],
);

it('finds where weights lie outside a model', () => {
  expect(externalPlaces(weights.bytes)).toEqual([
    { location: 'w', offset: 8, length: 24, elements: 6 },
    { location: 'v', offset: 2 ** 33, length: 4, elements: 1 },
  ]);
});

it('says that they lie elsewhere, and leaves the rest of the model as it is', () => {
  const moved = movedWeights(weights.bytes, ({ location, offset }) => ({
    location: `folder/${location}`,
    offset: offset + 1,
  }));
  expect(externalPlaces(moved)).toEqual([
    { location: 'folder/w', offset: 9, length: 24, elements: 6 },
    { location: 'folder/v', offset: 2 ** 33 + 1, length: 4, elements: 1 },
  ]);
  const back = movedWeights(moved, ({ location, offset }) => ({
    location: location.replace('folder/', ''),
    offset: offset - 1,
  }));
  expect(back).toEqual(weights.bytes);
});

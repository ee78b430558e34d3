import { describe, expect, it } from 'vitest';
import { free } from '../../test/graphs.js';
import { Emitter } from './emitter.js';
import { addSizes, multiplySizes } from './size-arithmetic.js';

const bytes = (...values: number[]) => new Uint8Array(Float32Array.from(values).buffer);

describe('Emitter', () => {
  it('makes a constant once, and again for another shape, type or value', () => {
    const emitter = new Emitter([]);
    const first = emitter.constant(bytes(1, 2), 'float32', [2]);
    expect(emitter.constant(bytes(1, 2), 'float32', [2])).toBe(first);
    const others = [
      emitter.constant(bytes(1, 2), 'float32', [1, 2]),
      emitter.constant(bytes(1, 2), 'int32', [2]),
      emitter.constant(bytes(1, 3), 'float32', [2]),
      emitter.constant(bytes(0, -0), 'float32', [2]),
      emitter.constant(bytes(0, 0), 'float32', [2]),
    ];
    expect(new Set([first, ...others]).size).toBe(6);
    expect(emitter.initializers).toHaveLength(6);
  });

  it('keeps a constant when its owner writes over it', () => {
    const emitter = new Emitter([]);
    const mine = bytes(1);
    emitter.constant(mine, 'float32', [1]);
    mine.fill(0);
    expect(emitter.initializers[0]!.values).toEqual(bytes(1));
  });

  it('computes a size once, from the shape of an input', () => {
    const [batch, text] = [free('batch'), free('text')];
    const emitter = new Emitter([
      { name: 'x', type: 'float32', shape: [3, batch] },
      { name: 'y', type: 'int32', shape: [batch, text] },
    ]);
    const rows = multiplySizes(batch, addSizes(text, 17)); // batch·text + 17·batch
    const first = emitter.sizes([rows, 4, 8]);
    expect(emitter.sizes([rows, 4, 8])).toBe(first);
    const count = emitter.nodes.length;
    emitter.sizes([rows]);
    expect(emitter.nodes).toHaveLength(count);
    emitter.sizes([batch, text]);
    expect(emitter.nodes.slice(count).map(({ operator }) => operator)).toEqual(['Concat']);
    const shapes = emitter.nodes.filter(({ operator }) => operator === 'Shape');
    expect(shapes.map(({ inputs, attributes }) => [...inputs, attributes])).toEqual([
      ['x', { start: { int: 1 }, end: { int: 2 } }],
      ['y', { start: { int: 1 }, end: { int: 2 } }],
    ]);
  });

  it('says which size no input has', () => {
    const emitter = new Emitter([{ name: 'x', type: 'float32', shape: [3, free('batch')] }]);
    expect(() => emitter.sizes([free('text')])).toThrow(
      expect.objectContaining({
        code: 'backend/not-general',
        expected: expect.stringContaining('text'),
        got: 'x [3,batch]',
      }),
    );
  });
});

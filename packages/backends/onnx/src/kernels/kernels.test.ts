import '@tensorflow/tfjs-backend-cpu';
import { engine, setBackend, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../../test/cases/index.js';
import { type Call, type Given, runKernel } from '../../test/one-node.js';
import { kernels } from './index.js';

beforeAll(() => setBackend('cpu'));

/** The same kernel by tfjs. */
function reference(kernel: string, { inputs, attributes = {} }: Call): Given[] {
  const tensors = Object.fromEntries(
    Object.entries(inputs).map(([name, { values, shape, dtype }]) => [
      name,
      tensor([...values], [...shape] as [number], dtype),
    ]),
  );
  const listed = '0' in tensors ? Object.values(tensors) : tensors;
  const outputs = engine().runKernel(kernel, listed as never, attributes as never) as
    | Tensor
    | Tensor[];
  return [outputs].flat().map((output) => ({
    shape: output.shape,
    dtype: output.dtype as Given['dtype'],
    values: [...output.dataSync()],
  }));
}

function expectSame(actual: Given[], expected: Given[], tolerance: number): void {
  expect(actual.map(({ shape, dtype }) => ({ shape, dtype }))).toEqual(
    expected.map(({ shape, dtype }) => ({ shape, dtype })),
  );
  actual.forEach(({ values }, i) => {
    const wanted = expected[i]!.values;
    const largest = wanted.reduce(
      (most, x) => (Number.isFinite(x) ? Math.max(most, Math.abs(x)) : most),
      1,
    );
    const wrong = values.flatMap((x, j) => {
      const y = wanted[j]!;
      const near = Object.is(x + 0, y + 0) || Math.abs(x - y) <= tolerance * largest;
      return near ? [] : [`${j}: ${x}, not ${y}`];
    });
    expect(wrong).toEqual([]);
  });
}

it('has a case for every kernel', () => {
  expect(cases.map((each) => each.kernel)).toEqual(expect.arrayContaining([...kernels.keys()]));
});

describe.each([...new Set(cases.map(({ kernel }) => kernel))])('%s', (kernel) => {
  const own = cases.filter((each) => each.kernel === kernel);
  it.each(own)('$what', async (given) => {
    const { call, sizes = [1, 2, 5], tolerance = 1e-6 } = given;
    const expected = given.reference ?? ((wanted: Call) => reference(kernel, wanted));
    const results = await runKernel(kernel, call, sizes);
    sizes.forEach((n, i) => {
      expectSame(results[i]!, expected(call(n)), tolerance);
    });
  });
});

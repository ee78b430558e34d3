import { memoryCompiler, withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  add,
  complex,
  dispose,
  greater,
  matMul,
  mul,
  sum,
  type Tensor,
  tensor1d,
  tensor2d,
} from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import type { Backend } from './backend.js';
import type { HostTensor, Traceable } from './compiler.js';
import { compiledExecutor, eagerExecutor, executorFor } from './executor.js';

const floats = (data: number[], shape = [data.length]): HostTensor => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(data),
});
const parameters = () => ({
  weight: tensor2d([1, 2, 3, 4, 5, 6], [3, 2]),
  bias: tensor1d([10, 20]),
});

/** x W + b of x `[n, 3]`, which values are above 30, and ids as they came. */
const affine: Traceable = ({ x, ids }, { weight, bias }) => {
  const y = add(matMul(x!, weight!), bias!);
  return { y, above: greater(y, 30), ids: ids!, bias: bias! };
};
const inputs = {
  x: floats([1, 0, 0, 1, 1, 1], [2, 3]),
  ids: { dtype: 'int32', shape: [2], data: Int32Array.of(7, -1) },
} as const;
const expected = {
  y: floats([11, 22, 19, 32], [2, 2]),
  above: { dtype: 'bool', shape: [2, 2], data: Uint8Array.of(0, 0, 0, 1) },
  ids: inputs.ids,
  bias: floats([10, 20]),
};

describe('eagerExecutor', () => {
  it('gives outputs of every type, inputs and parameters among them, and leaves nothing', async () => {
    const given = parameters();
    const executor = eagerExecutor(given);
    await withoutLeaks(async () => {
      expect(await executor.run(affine, inputs)).toEqual(expected);
    });
    expect(Object.values(given).every((tensor) => !tensor.isDisposed)).toBe(true);
    dispose(given as Record<string, Tensor>);
  });

  it('gives copies: what is done to them reaches neither inputs nor parameters', async () => {
    const given = parameters();
    const executor = eagerExecutor(given);
    for (const output of Object.values(await executor.run(affine, inputs))) output.data.fill(0);
    expect(await executor.run(affine, inputs)).toEqual(expected);
    dispose(given as Record<string, Tensor>);
  });

  it('leaves nothing where the function throws or gives what has no host type', async () => {
    const executor = eagerExecutor();
    await withoutLeaks(async () => {
      const throws: Traceable = ({ x }) => {
        mul(x!, 2);
        throw new Error('no');
      };
      await expect(executor.run(throws, inputs)).rejects.toThrow('no');
      const imaginary: Traceable = ({ x }) => ({ x: x!, z: complex(x!, x!) });
      await expect(executor.run(imaginary, inputs)).rejects.toMatchObject({
        code: 'backend/no-host-type',
      });
    });
  });

  it.each([
    ['too few values', floats([1, 2], [3])],
    ['another array', { dtype: 'int32', shape: [1], data: Float32Array.of(1) }],
  ])('refuses %s', async (_, x) => {
    const executor = eagerExecutor();
    const run = executor.run(({ x }) => ({ x: x! }), { x: x as HostTensor });
    await expect(run).rejects.toMatchObject({
      code: 'shape/host-tensor',
      expected: expect.stringContaining(' for x '),
    });
  });
});

describe('compiledExecutor', () => {
  it('compiles a function once and gives what running it op by op gives', async () => {
    const given = parameters();
    const compiler = memoryCompiler({ anySize: true });
    const executor = compiledExecutor(compiler, given);
    await withoutLeaks(async () => {
      expect(await executor.run(affine, inputs)).toEqual(expected);
    });
    // The parameters were copied at the first run.
    dispose(given as Record<string, Tensor>);
    expect(await executor.run(affine, inputs)).toEqual(expected);
    expect(compiler.compiled).toEqual([{ name: 'affine', example: { x: [2, 3], ids: [2] } }]);
    expect([compiler.runs.length, compiler.writes()]).toEqual([2, 2]);
    await executor.dispose();
    await executor.dispose();
    expect(compiler.open()).toBe(0);
    await expect(executor.run(affine, inputs)).rejects.toMatchObject({ code: 'backend/disposed' });
  });

  it('compiles once for runs at the same time, and again for other functions and inputs', async () => {
    const compiler = memoryCompiler({ anySize: true });
    const executor = compiledExecutor(compiler);
    const total: Traceable = (given) => ({ total: sum(Object.values(given)[0]!) });
    const runs = [1, 2, 3].map((value) => executor.run(total, { x: floats([value, 1]) }));
    expect((await Promise.all(runs)).map(({ total }) => total!.data[0])).toEqual([2, 3, 4]);
    expect(compiler.compiled).toHaveLength(1);
    // Other sizes are the compiler's to handle; other names, types and ranks are another function.
    await executor.run(total, { x: floats([1, 2, 3]) });
    expect(compiler.compiled).toHaveLength(1);
    await executor.run(total, { z: floats([1]) });
    await executor.run(total, { x: { dtype: 'int32', shape: [1], data: Int32Array.of(4) } });
    await executor.run(total, { x: floats([1], [1, 1]) });
    await executor.run((given) => total(given, {}), { x: floats([1, 2]) });
    expect(compiler.compiled).toHaveLength(5);
    await executor.dispose();
    expect(compiler.open()).toBe(0);
  });

  it('takes parameters where they are, and only free sizes of inputs that a function has', async () => {
    const compiler = memoryCompiler({ anySize: true });
    const region = await compiler.reserve(4);
    await region.write(Float32Array.of(0, 2, 3, 4));
    const shape = [3];
    const source = { scale: { shape, place: region.view(1, shape) } };
    const freeSizes = { x: { 0: 'batch' }, other: { 0: 'batch' } };
    const executor = compiledExecutor(compiler, source, { freeSizes });
    const scaled: Traceable = ({ x }, { scale }) => ({ y: mul(x!, scale!) });
    const { y } = await executor.run(scaled, { x: floats([1, 1, 1], [1, 3]) });
    expect([...y!.data]).toEqual([2, 3, 4]);
    expect(compiler.compiled[0]!.freeSizes).toEqual({ x: { 0: 'batch' } });
    await executor.dispose();
    expect(compiler.open()).toBe(1); // The region is its owner's.
  });

  it('keeps nothing of what failed', async () => {
    const compiler = memoryCompiler({ anySize: true });
    let fails = true;
    const executor = compiledExecutor(
      {
        ...compiler,
        compile: (...args) =>
          fails ? Promise.reject(new Error('full')) : compiler.compile(...args),
      },
      { bias: tensor1d([1]) },
    );
    const f: Traceable = ({ x }, { bias }) => ({ y: add(x!, bias!) });
    await expect(executor.run(f, { x: floats([1]) })).rejects.toThrow('full');
    fails = false;
    expect((await executor.run(f, { x: floats([1]) })).y!.data[0]).toBe(2);
    await executor.dispose();
    expect(compiler.open()).toBe(0);

    const ids = compiledExecutor(compiler, { ids: tensor1d([1], 'int32') });
    await expect(ids.run(f, { x: floats([1]) })).rejects.toMatchObject({
      code: 'config/parameter-type',
    });
    expect(compiler.open()).toBe(0);
  });
});

describe('executorFor', () => {
  it('compiles where the backend can', async () => {
    const compiler = memoryCompiler({ anySize: true });
    const run = async (backend: object) => {
      const executor = executorFor(backend as Pick<Backend, 'compiler'>);
      const { x } = await executor.run(({ x }) => ({ x: x! }), { x: floats([5]) });
      expect([...x!.data]).toEqual([5]);
      await executor.dispose();
    };
    await run({ name: 'eager' });
    expect(compiler.runs).toHaveLength(0);
    await run({ name: 'compiles', compiler });
    expect(compiler.runs).toHaveLength(1);
  });
});

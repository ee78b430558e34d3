import type { CompileOptions, HostTensor, TensorSpec } from '@imglish/core';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { batch, doubled, float, model, multiples, node, sum } from '../../test/models.js';
import type { OnnxModel } from '../lower/onnx-model.js';
import type { RuntimeEngine, Session } from '../runtime/engine.js';
import { nodeEngine } from '../runtime/node-engine.js';
import { type Build, onnxCompiler } from './compiler.js';

const tensor = (shape: number[], ...values: number[]): HostTensor & { dtype: 'float32' } => ({
  dtype: 'float32',
  shape,
  data: Float32Array.from(values),
});
const spec = (...shape: number[]): TensorSpec => ({ shape, dtype: 'float32' });
/** The models are made by hand: nothing is traced. */
const f = (): never => {
  throw new Error('not traced here');
};
const freeSizes = { x: { 0: 'batch' } };
const example = { x: spec(2, 3), w: spec(3) };

let engine: RuntimeEngine;
/** Names of the models that were loaded, and of those disposed. */
const loaded: string[] = [];
const unloaded: string[] = [];
beforeAll(async () => {
  const actual = await nodeEngine({ threads: 1 });
  engine = {
    ...actual,
    async open(model, options) {
      loaded.push(options.name);
      const session = await actual.open(model, options);
      const watched: Session = {
        ...session,
        dispose() {
          unloaded.push(options.name);
          return session.dispose();
        },
      };
      return watched;
    },
  };
});
beforeEach(() => {
  loaded.length = 0;
  unloaded.length = 0;
});
afterAll(() => engine.dispose());

const builds =
  (make: (example: Readonly<Record<string, TensorSpec>>) => OnnxModel): Build =>
  async (_, example) =>
    make(example);
const compileSum = (options: CompileOptions = { freeSizes }) =>
  onnxCompiler(
    engine,
    builds(() => sum),
  ).compile(f, example, { name: 'sum', ...options });

describe('a compiled function', () => {
  it('serves all free sizes with one model', async () => {
    const compiled = await compileSum();
    expect(await compiled.run({ x: tensor([1, 3], 1, 2, 3), w: tensor([3], 1, 1, 1) })).toEqual({
      y: tensor([1, 3], 2, 3, 4),
    });
    const { y } = await compiled.run({ x: tensor([0, 3]), w: tensor([3], 1, 1, 1) });
    expect(y?.shape).toEqual([0, 3]);
    expect(loaded).toEqual(['sum']);
  });

  it('calls an output as the function does, though an input is called so too', async () => {
    const compiled = await onnxCompiler(
      engine,
      builds(({ x }) => doubled(x!.shape[0]!)),
    ).compile(f, { x: spec(2) }, { inPlace: { x: 'x' } });
    expect(await compiled.run({ x: tensor([2], 1, 2) })).toEqual({ x: tensor([2], 2, 4) });
    const region = await engine.reserve(2);
    await region.write(Float32Array.of(3, 4));
    const view = region.view(0, [2]);
    expect(await compiled.run({ x: view }, { into: { x: view } })).toEqual({});
    expect(await region.read()).toEqual(Float32Array.of(6, 8));
    await region.dispose();
  });

  it('compiles once more for each other shape, shared by runs at once', async () => {
    let built = 0;
    const build = builds(({ x }) => {
      built += 1;
      return multiples(x!.shape[0]!);
    });
    const compiled = await onnxCompiler(engine, build).compile(f, { x: spec(1) });
    expect(built).toBe(1);
    const runs = [1, 2, 2, 1, 2].map((n) => compiled.run({ x: tensor([n], ...Array(n).fill(n)) }));
    const results = await Promise.all(runs);
    expect(results.map(({ y }) => Array.from(y!.data))).toEqual([[2], [4, 4], [4, 4], [2], [4, 4]]);
    expect([built, loaded.length]).toEqual([2, 2]);
  });

  it('can be tried again when compiling failed', async () => {
    let fails = false;
    const build = builds(({ x }) => {
      if (fails) throw new Error('not now');
      return multiples(x!.shape[0]!);
    });
    const compiled = await onnxCompiler(engine, build).compile(f, { x: spec(1) });
    fails = true;
    await expect(compiled.run({ x: tensor([2], 1, 1) })).rejects.toThrow('not now');
    fails = false;
    expect((await compiled.run({ x: tensor([2], 1, 1) })).y).toEqual(tensor([2], 2, 2));
  });

  it('is given the parameters that live in regions', async () => {
    const compiler = onnxCompiler(
      engine,
      builds(() => sum),
    );
    const region = await compiler.reserve(4);
    await region.write(Float32Array.of(0, 1, 2, 3));
    const compiled = await compiler.compile(
      f,
      { x: spec(2, 3) },
      { freeSizes, parameters: { w: { shape: [3], place: region.view(1, [3]) } } },
    );
    const x = tensor([1, 3], 1, 1, 1);
    expect((await compiled.run({ x })).y).toEqual(tensor([1, 3], 2, 3, 4));
    await region.write(Float32Array.of(7), 1);
    expect((await compiled.run({ x })).y).toEqual(tensor([1, 3], 8, 3, 4));
    // It reads them: no output goes there.
    const into = { y: region.view(0, [1, 3]) };
    await expect(compiled.run({ x }, { into })).rejects.toMatchObject({ code: 'backend/overlap' });
  });

  it('runs no more when it or its compiler was disposed', async () => {
    const compiler = onnxCompiler(
      engine,
      builds(() => sum),
    );
    const compiled = await compiler.compile(f, example, { freeSizes });
    const inputs = { x: tensor([1, 3], 1, 2, 3), w: tensor([3], 1, 1, 1) };
    const running = compiled.run(inputs);
    await compiled.dispose();
    await compiled.dispose();
    expect(unloaded.length).toBe(1);
    expect((await running).y).toEqual(tensor([1, 3], 2, 3, 4)); // it was there first
    await expect(compiled.run(inputs)).rejects.toMatchObject({ code: 'backend/disposed' });

    const other = onnxCompiler(
      await nodeEngine({ threads: 1 }),
      builds(() => sum),
    );
    const theirs = await other.compile(f, example, { freeSizes });
    await other.dispose();
    await other.dispose();
    const code = 'backend/disposed';
    await expect(theirs.run(inputs)).rejects.toMatchObject({ code });
    await expect(other.compile(f, example)).rejects.toMatchObject({ code });
    await expect(other.reserve(1)).rejects.toMatchObject({ code });
    await theirs.dispose();
  });
});

describe('what a run is given', () => {
  const x = tensor([1, 3], 1, 2, 3);
  const w = tensor([3], 1, 1, 1);

  it.each([
    ['a missing input', { x }, 'the inputs x, w', 'x'],
    ['an unknown input', { x, w, v: w }, 'the inputs x, w', 'x, w, v'],
    [
      'another type',
      { x, w: { dtype: 'int32', shape: [3], data: Int32Array.of(1, 2, 3) } as const },
      "'w' as float32 in a Float32Array",
      'int32 in a Int32Array',
    ],
    [
      'another array',
      { x, w: { ...w, data: Int32Array.of(1, 2, 3) } as unknown as HostTensor },
      "'w' as float32 in a Float32Array",
      'float32 in a Int32Array',
    ],
  ])('is refused: %s', async (_, inputs, expected, got) => {
    const compiled = await compileSum();
    const details = { code: 'backend/inputs', where: 'sum', expected, got };
    await expect(compiled.run(inputs)).rejects.toMatchObject(details);
  });

  it.each([
    ['axes', { x: tensor([3], 1, 2, 3), w }, "'x' with 2 axes, like [2, 3]", '[3]'],
    ['values', { x: tensor([1, 3], 1, 2), w }, "3 values in 'x' [1, 3]", '2'],
    [
      'sizes',
      { x, w: tensor([4], 1, 2, 3, 4) },
      "one size 'width' everywhere",
      "3 at axis 1 of 'x', 4 at axis 0 of 'w'",
    ],
  ])('is refused for its shape: %s', async (_, inputs, expected, got) => {
    const compiled = await compileSum({
      freeSizes: { x: { 0: 'batch', 1: 'width' }, w: { 0: 'width' } },
    });
    const details = { code: 'shape/inputs', where: 'sum', expected, got };
    await expect(compiled.run(inputs)).rejects.toMatchObject(details);
  });

  it('is refused for its outputs', async () => {
    const half = model(
      [node('Add', ['x', 'x'], 'y'), node('Greater', ['y', 'x'], 'more')],
      [float('x', [batch, 2])],
      [float('y', [batch, 2]), { name: 'more', shape: [batch, 2], dtype: 'bool' }],
    );
    const compiler = onnxCompiler(
      engine,
      builds(() => half),
    );
    const compiled = await compiler.compile(f, { x: spec(2, 2) }, { freeSizes });
    const region = await compiler.reserve(8);
    const x = tensor([2, 2], 1, 2, 3, 4);
    const into = (name: string, ...shape: number[]) =>
      compiled.run({ x }, { into: { [name]: region.view(0, shape) } });
    await expect(into('z', 2, 2)).rejects.toMatchObject({
      code: 'backend/outputs',
      expected: 'into: float32 outputs of y',
      got: "'z'",
    });
    await expect(into('more', 2, 2)).rejects.toMatchObject({
      code: 'backend/outputs',
      got: "'more', which is bool",
    });
    await expect(into('y', 4, 2)).rejects.toMatchObject({
      code: 'shape/outputs',
      expected: "into: 'y' as [2, 2] (batch, 2)",
      got: '[4, 2]',
    });
    const { more, ...rest } = await into('y', 2, 2);
    expect([more?.data, rest]).toEqual([Uint8Array.of(1, 1, 1, 1), {}]);
    expect(Array.from(await region.read(0, 5))).toEqual([2, 4, 6, 8, 0]);
  });

  it.each([
    ['a type', { x: { shape: [1], dtype: 'string' } as unknown as TensorSpec }, {}, 'string'],
    ['a shape', { x: spec(1.5) }, {}, '[1.5]'],
    ['free sizes of no input', { x: spec(1) }, { freeSizes: { y: { 0: 'n' } } }, "'y'"],
    ['a free axis', { x: spec(1) }, { freeSizes: { x: { 1: 'n' } } }, 'axis 1'],
    [
      'one name twice',
      { x: spec(1) },
      { parameters: { x: { shape: [1], place: {} as never } } },
      "'x' twice",
    ],
  ])('must be possible: %s', async (_, example, options, got) => {
    const compiling = onnxCompiler(
      engine,
      builds(() => sum),
    ).compile(f, example, options);
    await expect(compiling).rejects.toMatchObject({ code: 'backend/signature', got });
  });

  it('must have one size for one name in the example, too', async () => {
    const free = { x: { 1: 'n' }, w: { 0: 'n' } };
    const compiling = onnxCompiler(
      engine,
      builds(() => sum),
    ).compile(f, { x: spec(2, 3), w: spec(4) }, { freeSizes: free });
    await expect(compiling).rejects.toMatchObject({ code: 'shape/inputs' });
  });
});

describe('views that share values', () => {
  it('are refused unless the pair was declared', async () => {
    const compiler = onnxCompiler(
      engine,
      builds(() => multiples(3)),
    );
    const compiled = await compiler.compile(f, { x: spec(3) }, { inPlace: { z: 'x' } });
    const region = await compiler.reserve(9);
    await region.write(Float32Array.of(1, 2, 3));
    const other = await compiler.reserve(3);
    const at = (offset: number) => region.view(offset, [3]);
    const run = (into: Record<string, ReturnType<typeof at>>) =>
      compiled.run({ x: at(0) }, { into });
    const code = 'backend/overlap';
    await expect(run({ y: at(0) })).rejects.toMatchObject({
      code,
      expected: "the output 'y' apart from the input 'x'",
      got: 'values 0 to 3 and values 0 to 3 of one region',
    });
    await expect(run({ z: at(2) })).rejects.toMatchObject({
      code,
      expected: "the output 'z' exactly where the input 'x' is",
    });
    await expect(run({ y: at(3), z: at(4) })).rejects.toMatchObject({
      code,
      expected: "the output 'z' apart from the output 'y'",
    });
    expect(Array.from(await region.read())).toEqual([1, 2, 3, 0, 0, 0, 0, 0, 0]);

    await run({ y: other.view(0, [3]), z: at(0) });
    await run({ y: at(3), z: at(6) });
    expect(Array.from(await region.read())).toEqual([3, 6, 9, 6, 12, 18, 9, 18, 27]);
  });
});

describe('the cache of sessions', () => {
  const inputs = { x: tensor([1, 3], 1, 2, 3), w: tensor([3], 1, 1, 1) };
  const y = tensor([1, 3], 2, 3, 4);

  it('gives up the one unused for longest, and loads it again', async () => {
    const cacheBytes = 2 * sum.bytes.length;
    const compiler = onnxCompiler(
      engine,
      builds(() => sum),
      { cacheBytes },
    );
    const compile = (name: string) => compiler.compile(f, example, { freeSizes, name });
    const a = await compile('a');
    await compile('b');
    await a.run(inputs);
    expect(unloaded).toEqual([]);
    await compile('c');
    expect(unloaded).toEqual(['b']);
    await compile('d');
    expect(unloaded).toEqual(['b', 'a']);
    expect(await a.run(inputs)).toEqual({ y });
    expect(loaded).toEqual(['a', 'b', 'c', 'd', 'a']);
  });

  it('keeps what is in use, and one that is larger than it', async () => {
    const compiler = onnxCompiler(
      engine,
      builds(() => sum),
      { cacheBytes: 1 },
    );
    const compiled = await Promise.all(
      ['a', 'b', 'c'].map((name) => compiler.compile(f, example, { freeSizes, name })),
    );
    for (let i = 0; i < 4; i++) {
      const results = await Promise.all(compiled.map((each) => each.run(inputs)));
      expect(results).toEqual([{ y }, { y }, { y }]);
    }
    loaded.length = 0;
    await compiled[1]!.run(inputs);
    await compiled[1]!.run(inputs);
    expect(loaded.length).toBeLessThanOrEqual(1);
    await compiled[0]!.run(inputs);
    expect(unloaded.at(-1)).toBe('b');
  });
});

import '@tensorflow/tfjs-backend-cpu';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ParameterPlace, Region } from '@imglish/core';
import { setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../../test/cases/index.js';
import { free, GraphMaker, value } from '../../test/graphs.js';
import { oneNode, withModel } from '../../test/one-node.js';
import { exactly, floats } from '../../test/values.js';
import { lower } from './lower.js';
import type { OnnxModel } from './onnx-model.js';

/** Whether an operator or a name occurs in the file. */
function mentions(model: OnnxModel, text: string): boolean {
  return Buffer.from(model.bytes).includes(text);
}

const n = free('n');

describe('lower', () => {
  it('calls inputs and outputs what the function calls them, and says their sizes', async () => {
    const make = new GraphMaker();
    const x = make.input('x', [n, 2]);
    const [y] = make.node('Neg', { x });
    const model = lower(make.graph({ y: y! }), {});
    expect(model).toMatchObject({
      externalFiles: {},
      inputs: [{ name: 'x', shape: [n, 2], dtype: 'float32' }],
      outputs: [{ name: 'y', as: 'y', shape: [n, 2], dtype: 'float32' }],
    });
    await withModel(model, async (run) => {
      expect(await run([exactly([1, -2], 'float32', [1, 2])])).toEqual([
        exactly([-1, 2], 'float32', [1, 2]),
      ]);
    });
  });

  it('gives outputs that are inputs, constants, the same, or called as an input', async () => {
    const make = new GraphMaker();
    const x = make.input('x', [2]);
    const constant = make.constant({ data: Int32Array.of(7, 8, 9) }, [3], 'int32');
    const [y] = make.node('Neg', { x });
    const model = lower(make.graph({ same: x, constant, x: y!, again: y! }), {});
    expect(model.outputs.map(({ name, as }) => [name, as])).toEqual([
      ['same', 'same'],
      ['constant', 'constant'],
      ['x:out', 'x'],
      ['again', 'again'],
    ]);
    await withModel(model, async (run) => {
      expect(await run([exactly([1, 2])])).toEqual([
        exactly([1, 2]),
        exactly([7, 8, 9], 'int32'),
        exactly([-1, -2]),
        exactly([-1, -2]),
      ]);
    });
  });

  it('makes uniform constants scalars where that is the same, and spreads them where not', async () => {
    const make = new GraphMaker();
    const x = make.input('x', [n, 2]);
    const row = make.input('row', [2]);
    const half = make.constant({ uniform: 0.5 }, [n, 2]);
    const [whole] = make.node('Multiply', { a: x, b: half });
    const scalars = lower(make.graph({ whole: whole! }), {});
    expect(mentions(scalars, 'Expand')).toBe(false);
    const [wider] = make.node('Multiply', { a: row, b: half });
    const [twice] = make.node('Add', { a: half, b: half });
    const model = lower(make.graph({ whole: whole!, wider: wider!, twice: twice! }), {});
    await withModel(model, async (run) => {
      const given = [exactly([1, 2, 3, 4], 'float32', [2, 2]), exactly([10, 20])];
      expect(await run(given)).toEqual([
        exactly([0.5, 1, 1.5, 2], 'float32', [2, 2]),
        exactly([5, 10, 5, 10], 'float32', [2, 2]),
        exactly([1, 1, 1, 1], 'float32', [2, 2]),
      ]);
    });
  });

  it('computes constants that are a size, or one over it', async () => {
    const make = new GraphMaker();
    const x = make.input('x', [n]);
    const size = make.constant({ uniform: { size: n, reciprocal: false } }, [], 'int32');
    const share = make.constant({ uniform: { size: n, reciprocal: true } }, [n]);
    const [mean] = make.node('Multiply', { a: x, b: share });
    await withModel(lower(make.graph({ size, share, mean: mean! }), {}), async (run) => {
      expect(await run([exactly([2, 4, 6, 8])])).toEqual([
        exactly([4], 'int32', []),
        exactly([0.25, 0.25, 0.25, 0.25]),
        exactly([0.5, 1, 1.5, 2]),
      ]);
    });
  });

  it('leaves out what no output depends on', () => {
    const make = new GraphMaker();
    const x = make.input('x', [n, 4]);
    const gamma = make.input('gamma', [4]);
    const [y] = make.node('ImglishLayerNorm', { x, gamma, beta: gamma }, { epsilon: 1e-5 });
    make.node('Erf', { x });
    const model = lower(make.graph({ y: y! }), {});
    expect(mentions(model, 'Squeeze')).toBe(false); // the mean and what belongs to it
    expect(mentions(model, 'Erf')).toBe(false);
    expect(mentions(model, 'LayerNormalization:1')).toBe(false);
  });

  it('reads parameters from files, whatever they are stored as', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'imglish-lower-'));
    try {
      const [first, second] = [join(folder, 'model.bin'), join(folder, 'sub-model.bin')];
      const float = new Uint8Array(Float32Array.of(1.5, -2).buffer);
      const half = new Uint8Array(Uint16Array.of(0x3c00, 0xc100).buffer); // 1, −2.5
      const brain = new Uint8Array(Uint16Array.of(0x4049, 0xbf80).buffer); // 3.140625, −1
      writeFileSync(first, Buffer.concat([new Uint8Array(8), float, half]));
      writeFileSync(second, brain);
      const places: Record<string, ParameterPlace> = {
        float: { shape: [2], place: { file: first, offset: 8, bytes: 8, stored: 'float32' } },
        half: { shape: [2], place: { file: first, offset: 16, bytes: 4, stored: 'float16' } },
        brain: { shape: [2], place: { file: second, offset: 0, bytes: 4, stored: 'bfloat16' } },
        unused: { shape: [9], place: { file: first, offset: 0, bytes: 36, stored: 'float32' } },
      };
      const make = new GraphMaker();
      const x = make.input('x', [2]);
      const parameters = Object.keys(places).map((name) =>
        make.parameter(name, places[name]!.shape),
      );
      const sums = parameters.slice(0, 3).map((b) => make.node('Add', { a: x, b })[0]!);
      const outputs = { a: sums[0]!, b: sums[1]!, c: sums[2]!, d: parameters[0]! };
      const model = lower(make.graph(outputs), places);
      expect(model.externalFiles).toEqual({ 'model.bin': first, 'sub-model.bin': second });
      expect(mentions(model, 'unused')).toBe(false);
      expect(model.inputs.map(({ name }) => name)).toEqual(['x']);
      const externalData = Object.entries(model.externalFiles).map(([path, file]) => ({
        path,
        data: readFileSync(file),
      }));
      await withModel(
        model,
        async (run) => {
          expect(await run([exactly([10, 20])])).toEqual([
            exactly([11.5, 18]),
            exactly([11, 17.5]),
            exactly([13.140625, 19]),
            exactly([1.5, -2]),
          ]);
        },
        { externalData },
      );
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('calls files of one name apart', () => {
    const make = new GraphMaker();
    const names = ['/a/weights', '/b/weights', 'https://c/weights?version=2'];
    const places = Object.fromEntries(
      names.map((file) => [
        file,
        { shape: [1], place: { file, offset: 0, bytes: 4, stored: 'float32' } },
      ]),
    ) satisfies Record<string, ParameterPlace>;
    const outputs = names.map((name, i) => [`y${i}`, make.parameter(name, [1])]);
    expect(lower(make.graph(Object.fromEntries(outputs)), places).externalFiles).toEqual({
      weights: '/a/weights',
      'weights.2': '/b/weights',
      'weights.3': 'https://c/weights?version=2',
    });
  });

  it('takes parameters in regions as inputs, after the function’s own', async () => {
    const make = new GraphMaker();
    const weight = make.parameter('weight', [2]);
    const x = make.input('x', [2]);
    const [y] = make.node('Sub', { a: x, b: weight });
    const region = {} as Region;
    const place = { dtype: 'float32', shape: [2], region, offset: 0 } as const;
    const model = lower(make.graph({ y: y! }), { weight: { shape: [2], place } });
    expect(model.inputs.map(({ name }) => name)).toEqual(['x', 'weight']);
    await withModel(model, async (run) => {
      expect(await run([exactly([1, 2]), exactly([5, 7])])).toEqual([exactly([-4, -5])]);
    });
  });

  it('refuses a kernel it does not know, a value of another graph, a parameter without its place', () => {
    const make = new GraphMaker();
    const x = make.parameter('x', [2]);
    const graph = make.graph({ x });
    const code = (code: string) => expect.objectContaining({ code });
    const file = { file: 'f', offset: 0, bytes: 12, stored: 'float32' } as const;
    expect(() => lower(graph, {})).toThrow(code('backend/parameter-place'));
    expect(() => lower(graph, { x: { shape: [3], place: file } })).toThrow(
      code('backend/parameter-place'),
    );
    expect(() => lower(new GraphMaker().graph({ y: value([2]) }), {})).toThrow(
      code('backend/not-traceable'),
    );
    const origin = new Error('here');
    const unknown = { kernel: 'FFT', inputs: {}, attributes: {}, outputs: [value([2])], origin };
    expect(() => lower({ ...new GraphMaker().graph({}), nodes: [unknown] }, {})).toThrow(
      expect.objectContaining({ code: 'backend/not-traceable', got: 'FFT' }),
    );
  });
});

const python = process.env.IMGLISH_PYTHON ?? 'python3';
const hasOnnx = spawnSync(python, ['-c', 'import onnx']).status === 0;

describe.skipIf(!hasOnnx)('the checker of ONNX (needs Python with onnx)', () => {
  // What fused kernels are called with is computed.
  beforeAll(() => setBackend('cpu'));

  it('accepts a model of every kernel', () => {
    const folder = mkdtempSync(join(tmpdir(), 'imglish-check-'));
    try {
      const firsts = cases.filter(
        ({ kernel }, i) => cases.findIndex((other) => other.kernel === kernel) === i,
      );
      for (const { kernel, call } of firsts) {
        const { bytes } = lower(oneNode(kernel, call), {});
        writeFileSync(join(folder, `${kernel}.onnx`), bytes);
      }
      const script = [
        'import glob, onnx, sys',
        'paths = glob.glob(sys.argv[1] + "/*.onnx")',
        'for path in paths: onnx.checker.check_model(path, full_check=True)',
        'print(len(paths))',
      ].join('\n');
      const { stdout, stderr } = spawnSync(python, ['-c', script, folder], { encoding: 'utf8' });
      expect(stderr).toBe('');
      expect(Number(stdout)).toBe(firsts.length);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('sums of rows by ScatterElements', () => {
  const repeats = process.env.SOAK === '1' ? 1000 : 50;

  it(`are right ${repeats} times with two threads, and the same to the bit`, async () => {
    const [rows, width, count] = [4096, 32, 3];
    const make = new GraphMaker();
    const values = make.input('values', [rows, width]);
    const indices = make.input('indices', [rows], 'int32');
    const [y] = make.node('ImglishScatterAdd', { values, indices }, { rows: count });
    const given = floats([rows, width]);
    const ids = Array.from({ length: rows }, (_, i) => (i % 7 === 0 ? 0 : i % count));
    const wanted = Array<number>(count * width).fill(0);
    given.values.forEach((x, i) => {
      wanted[ids[Math.floor(i / width)]! * width + (i % width)]! += x;
    });
    await withModel(
      lower(make.graph({ y: y! }), {}),
      async (run) => {
        const [first] = await run([given, exactly(ids, 'int32')]);
        for (const [i, x] of first!.values.entries()) expect(x).toBeCloseTo(wanted[i]!, 3);
        for (let i = 1; i < repeats; i++) {
          const [again] = await run([given, exactly(ids, 'int32')]);
          expect(again!.values.every((x, j) => Object.is(x, first!.values[j]))).toBe(true);
        }
      },
      { intraOpNumThreads: 2 },
    );
  });
});

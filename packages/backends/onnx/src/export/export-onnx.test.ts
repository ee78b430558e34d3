import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  type Directory,
  memoryDirectory,
  openSafetensors,
  ops,
  type Parameters,
  type Region,
  type TensorMap,
  type TensorSpec,
  type Traceable,
  tensorEntry,
  writeSafetensors,
} from '@imglish/core';
import { fileDirectory, fileSink, fileSource } from '@imglish/core/node';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { python, pythonAbsent } from '../../test/python.js';
import { floats } from '../../test/values.js';
import { exportOnnx as exportInNode } from '../node.js';
import { type ExportOptions, exportOnnx, PRECISIONS } from './export-onnx.js';
import { toFloat16 } from './half.js';

const folder = mkdtempSync(join(tmpdir(), 'imglish-export-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeAll(() => tf.setBackend('cpu'));

const random = (shape: number[], seed = 1, scale = 1): tf.Tensor =>
  tf.tensor([...floats(shape, seed, scale).values], shape as [number]);

async function bytesIn(directory: Directory, name: string): Promise<Uint8Array> {
  const source = await directory.open(name);
  return (await source.read(0, source.size)).slice();
}

/** What plain ONNX Runtime makes of a file. */
async function run(model: Uint8Array | string, inputs: TensorMap): Promise<Record<string, Tensor>> {
  const session = await InferenceSession.create(model as string, { intraOpNumThreads: 1 });
  const feeds = Object.entries(inputs).map(([name, tensor]) => {
    const data = tensor.dataSync() as Float32Array;
    return [name, new Tensor(tensor.dtype as 'float32', data, tensor.shape)];
  });
  const outputs = await session.run(Object.fromEntries(feeds));
  await session.release();
  return outputs as Record<string, Tensor>;
}

const specOf = ({ shape, dtype }: tf.Tensor) => ({ shape, dtype }) as TensorSpec;

/** A function exported, run by ONNX Runtime and by tfjs, on the same inputs. */
async function both(f: Traceable, inputs: TensorMap, options: Partial<ExportOptions> = {}) {
  const directory = memoryDirectory();
  const example = Object.fromEntries(
    Object.entries(inputs).map(([name, tensor]) => [name, specOf(tensor)]),
  );
  await exportOnnx(f, example, directory, { name: 'f', ...options });
  const bytes = await bytesIn(directory, 'f.onnx');
  const exported = await run(bytes, inputs);
  const expected = f(inputs, (options.parameters ?? {}) as Parameters);
  return Object.entries(expected).map(([name, tensor]) => {
    const a = exported[name]!.data as Float32Array;
    const b = tensor.dataSync() as Float32Array;
    const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
    const apart = b.reduce((most, x, i) => Math.max(most, Math.abs(x - a[i]!)), 0) / largest;
    return { name, apart, values: a, bytes };
  });
}

// A small network in a stranger's ops: nothing of this project in it.
const cnn: Traceable = ({ image }, { kernel, scale, shift, dense, bias }) => {
  const convolved = tf.conv2d(image as tf.Tensor4D, kernel as tf.Tensor4D, 2, 'same');
  const features = tf.relu(tf.add(tf.mul(convolved, scale!), shift!)) as tf.Tensor4D;
  const pooled = tf.mean(tf.maxPool(features, 3, 2, 'same'), [1, 2]) as tf.Tensor2D;
  return { scores: tf.softmax(tf.add(tf.matMul(pooled, dense as tf.Tensor2D), bias!)) };
};
const cnnParameters = (): Parameters => ({
  kernel: random([3, 3, 3, 16], 2, 0.3),
  scale: random([16], 3),
  shift: random([16], 4),
  dense: random([16, 10], 5, 0.5),
  bias: random([10], 6),
});
const cnnOptions = () => ({
  parameters: cnnParameters(),
  freeSizes: { image: { 0: 'batch' } },
});

describe("a stranger's network", () => {
  it.each([
    ['float32', 1e-6],
    ['float16', 2e-3],
    ['int8', 3e-2],
  ] as const)('is exported as %s', async (precision, limit) => {
    const options = { ...cnnOptions(), precision };
    const [scores] = await both(cnn, { image: random([2, 20, 24, 3]) }, options);
    expect(scores!.apart).toBeLessThan(limit);
  });

  it('has its dense layer in whole numbers as int8, though its matrix is not transposed', async () => {
    const options = { ...cnnOptions(), precision: 'int8' } as const;
    const [scores] = await both(cnn, { image: random([1, 8, 8, 3]) }, options);
    expect(await operatorsOf(scores!.bytes)).toContain('DynamicQuantizeMatMul');
  });
});

/** The operators that are left when ONNX Runtime has optimised a model, each as often as it occurs. */
async function operatorsOf(model: Uint8Array): Promise<string[]> {
  const optimizedModelFilePath = join(folder, 'optimised.onnx');
  const options = { optimizedModelFilePath, logSeverityLevel: 3 } as const;
  await (await InferenceSession.create(model, options)).release();
  // Field 4 of a node: its tag, the length, the name.
  const text = readFileSync(optimizedModelFilePath, 'latin1');
  return [...text.matchAll(/\x22(.)([A-Z][A-Za-z]+)/gs)].flatMap(([, length, name]) => {
    const bytes = length!.charCodeAt(0);
    return name!.length >= bytes ? [name!.slice(0, bytes)] : [];
  });
}

it('every linear layer of int8 is fused by ONNX Runtime, shared inputs quantised once', async () => {
  const parameters = {
    q: random([8, 8], 1),
    k: random([8, 8], 2),
    bias: random([8], 3),
    out: random([8, 8], 4),
  };
  const f: Traceable = ({ x }, { q, k, bias, out }) => {
    const product = tf.mul(ops.linear(x!, q!, bias!), ops.linear(x!, k!));
    return { y: ops.linear(product, out!, bias!) };
  };
  const [y] = await both(f, { x: random([5, 8]) }, { parameters, precision: 'int8' });
  expect(y!.apart).toBeLessThan(0.05);
  const operators = await operatorsOf(y!.bytes);
  expect(operators.sort()).toEqual([
    'DynamicQuantizeLinear',
    'DynamicQuantizeMatMul',
    'MatMulIntegerToFloat',
    'MatMulIntegerToFloat',
    'Mul',
  ]);
});

describe('float16', () => {
  const half = { precision: 'float16' } as const;

  it('hides keys by −1e8 without a NaN, all of them too', async () => {
    const [q, k, v] = [1, 2, 3].map((seed) => random([2, 1, 4, 8], seed));
    const hidden = tf.tensor([0, 0, 1, 1, 1, 1, 1, 1], [2, 1, 1, 4]);
    const f: Traceable = ({ q, k, v, hidden }) => {
      const mask = tf.mul(hidden!, ops.HIDDEN) as tf.Tensor4D;
      const [queries, keys, values] = [q, k, v] as tf.Tensor4D[];
      return { y: ops.attention(queries!, keys!, values!, 0.35, mask) };
    };
    const [y] = await both(f, { q: q!, k: k!, v: v!, hidden }, half);
    expect(y!.apart).toBeLessThan(2e-3);
  });

  it('normalises what is long, short or zero', async () => {
    const x = tf.concat([random([1, 900], 1, 40), random([1, 900], 2, 1e-3), tf.zeros([1, 900])]);
    const f: Traceable = ({ x }) => ({ y: ops.l2Normalize(x!) });
    const [y] = await both(f, { x }, half);
    expect(y!.apart).toBeLessThan(1e-3);
    expect([...y!.values.slice(1800)]).toEqual(new Array(900).fill(0));
  });

  it('norms layers whose sums of squares are beyond its range', async () => {
    const parameters = { gamma: random([900], 1), beta: random([900], 2) };
    const f: Traceable = ({ x }, { gamma, beta }) => ({
      y: ops.layerNorm(x!, gamma!, beta!, 1e-5),
    });
    const [y] = await both(f, { x: random([3, 900], 3, 300) }, { ...half, parameters });
    expect(y!.apart).toBeLessThan(2e-3);
  });

  it('counts, compares and chooses as before', async () => {
    const f: Traceable = ({ x, ids }) => {
      const column = tf.cast(ids!, 'float32');
      const chosen = tf.where(tf.greater(x!, 0), tf.mul(x!, 2), tf.neg(x!));
      return { y: tf.add(chosen, tf.mul(column, 0.5)), best: tf.argMax(x!, 1) };
    };
    const ids = tf.tensor([3, 70, 1000], [3, 1], 'int32');
    const [y, best] = await both(f, { x: random([3, 7]), ids }, half);
    expect(y!.apart).toBeLessThan(1e-3);
    expect(best!.apart).toBe(0);
  });

  it('refuses a weight beyond its range, and leaves the folder as it was', async () => {
    const directory = memoryDirectory();
    const x = { x: specOf(tf.zeros([2])) };
    const f: Traceable = ({ x }, { w }) => ({ y: tf.add(x!, w!) });
    const given = { name: 'f', ...half };
    await exportOnnx(f, x, directory, { ...given, parameters: { w: tf.tensor([1, 2]) } });
    const before = await bytesIn(directory, 'f.onnx');
    const large = { w: tf.tensor([1, 1e6]) };
    for (const embedBytes of [undefined, 0]) {
      const options = { ...given, parameters: large, ...(embedBytes === 0 && { embedBytes }) };
      await expect(exportOnnx(f, x, directory, options)).rejects.toMatchObject({
        code: 'backend/float16-range',
      });
      expect(await directory.list()).toEqual(['f.onnx']);
      expect(await bytesIn(directory, 'f.onnx')).toEqual(before);
    }
  });
});

describe('weights', () => {
  const f: Traceable = ({ x }, { w, b }) => ({ y: ops.linear(x!, w!, b!) });
  const inputs = () => ({ x: random([2, 64]) });
  const example = { x: { shape: [2, 64], dtype: 'float32' } } as const;
  const values = () => ({ w: random([48, 64], 1), b: random([48], 2) });
  const expected = () => [...f(inputs(), values()).y!.dataSync()];
  const near = (actual: ArrayLike<number>, limit = 1e-4) =>
    expect(Math.max(...expected().map((x, i) => Math.abs(x - actual[i]!)))).toBeLessThan(limit);

  it('above the limit lie in a second file, which goes when it is not needed', async () => {
    const directory = fileDirectory(join(folder, 'outside'));
    const options = { name: 'f', parameters: values() };
    const { files } = await exportOnnx(f, example, directory, { ...options, embedBytes: 4000 });
    expect(files.map(({ name }) => name)).toEqual(['f.onnx', 'f.onnx_data']);
    // The matrix, at a page; the bias is small and stays in the model.
    expect(files[1]!.bytes).toBe(4 * 48 * 64);
    expect(files[0]!.bytes).toBeLessThan(4000);
    near((await run(join(folder, 'outside', 'f.onnx'), inputs())).y!.data as Float32Array);

    await exportOnnx(f, example, directory, options);
    expect(await directory.list()).toEqual(['f.onnx']);
    near((await run(join(folder, 'outside', 'f.onnx'), inputs())).y!.data as Float32Array);
  });

  it('of several kinds and sizes begin at pages', async () => {
    const directory = fileDirectory(join(folder, 'pages'));
    const parameters = { ...values(), w2: random([48, 48], 3), b2: random([2000], 4) };
    const g: Traceable = ({ x }, { w, b, w2, b2 }) => ({
      y: ops.linear(ops.linear(x!, w!, b!), w2!),
      z: tf.mul(b2!, 2),
    });
    const options = { name: 'g', parameters, embedBytes: 0 };
    for (const precision of PRECISIONS) {
      await exportOnnx(g, example, directory, { ...options, precision });
      const outputs = await run(join(folder, 'pages', 'g.onnx'), inputs());
      const { y, z } = g(inputs(), parameters);
      for (const [tensor, output] of [
        [y!, outputs.y!],
        [z!, outputs.z!],
      ] as const) {
        const data = output.data as Float32Array;
        const values = tensor.dataSync() as Float32Array;
        const apart = values.map((value, i) => Math.abs(value - data[i]!));
        const largest = Math.max(...values.map(Math.abs));
        expect(Math.max(...apart), precision).toBeLessThan(0.03 * largest);
      }
    }
  });

  it.each([
    ['F32', 1e-4],
    ['F16', 0.05],
    ['BF16', 0.3],
  ] as const)('are read where they lie, stored as %s', async (dtype, limit) => {
    const { w, b } = values();
    const path = join(folder, `${dtype}.safetensors`);
    const stored = (name: string, tensor: tf.Tensor) => {
      const data = tensor.dataSync() as Float32Array;
      if (dtype === 'F32') return tensorEntry(name, dtype, tensor.shape, data);
      const halves =
        dtype === 'F16'
          ? toFloat16(data)
          : Uint16Array.from(new Uint32Array(data.slice().buffer), (bits) => bits >>> 16);
      return tensorEntry(name, dtype, tensor.shape, halves);
    };
    await writeSafetensors(await fileSink(path), [stored('w', w), stored('b', b)]);
    const file = await openSafetensors(await fileSource(path));
    const as = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;
    const parameters = Object.fromEntries(
      [...file.tensors].map(([name, { shape, storedAt }]) => [
        name,
        { shape, place: { ...storedAt!, stored: as[dtype] } },
      ]),
    );
    await file.close();
    const directory = memoryDirectory();
    await exportInNode(f, example, directory, { name: 'f', parameters });
    near((await run(await bytesIn(directory, 'f.onnx'), inputs())).y!.data as Float32Array, limit);
  });

  it('are written in the shape that they are used in, and are given as they are', async () => {
    const parameters = { w: random([4, 2, 3]), v: random([6]) };
    const g: Traceable = ({ x }, { w, v }) => ({
      y: ops.linear(x!, tf.reshape(w!, [4, 6])),
      given: tf.reshape(v!, [2, 3]),
    });
    for (const precision of PRECISIONS) {
      const outputs = await both(g, { x: random([5, 6]) }, { parameters, precision });
      for (const { apart } of outputs) expect(apart).toBeLessThan(0.05);
      const operators = await operatorsOf(outputs[0]!.bytes);
      expect(operators.includes('DynamicQuantizeMatMul')).toBe(precision === 'int8');
    }
  });

  it('are read from regions of an engine', async () => {
    const { w, b } = values();
    const all = Float32Array.from([7, ...w.dataSync(), ...b.dataSync()]);
    const region = {
      read: async (offset = 0, length = 0) => all.slice(offset, offset + length),
    } as Region;
    const place = (offset: number, shape: number[]) =>
      ({ shape, place: { dtype: 'float32', shape, region, offset } }) as const;
    const parameters = { w: place(1, [48, 64]), b: place(1 + 48 * 64, [48]) };
    const directory = memoryDirectory();
    await exportOnnx(f, example, directory, { name: 'f', parameters });
    near((await run(await bytesIn(directory, 'f.onnx'), inputs())).y!.data as Float32Array);
  });

  it('that are less than their shape are refused, and one whose file is not there', async () => {
    const at = (bytes: number) => ({
      w: { shape: [2], place: { file: join(folder, 'none'), offset: 0, bytes, stored: 'float32' } },
    });
    const g: Traceable = ({ x }, { w }) => ({ y: tf.add(x!, w!) });
    const write = (bytes: number) =>
      exportInNode(g, { x: { shape: [2], dtype: 'float32' } }, memoryDirectory(), {
        name: 'g',
        parameters: at(bytes) as ExportOptions['parameters'] & object,
      });
    await expect(write(4)).rejects.toMatchObject({ code: 'backend/parameter-place' });
    await expect(write(8)).rejects.toMatchObject({ code: 'io/not-found' });
  });
});

describe('exportOnnx', () => {
  it.each([
    [{ precision: 'int4' }, 'config/precision'],
    [{ embedBytes: 2e9 }, 'config/embed-bytes'],
    [{ name: 'a/b' }, 'io/file-name'],
    [{ freeSizes: { x: { 1: 'n' } } }, 'backend/free-sizes'],
  ])('refuses %o', async (wrong, code) => {
    const f: Traceable = ({ x }) => ({ y: tf.neg(x!) });
    const options = { name: 'f', ...wrong } as ExportOptions;
    const directory = memoryDirectory();
    const x = { x: { shape: [2], dtype: 'float32' } } as const;
    await expect(exportOnnx(f, x, directory, options)).rejects.toMatchObject({ code });
    expect(await directory.list()).toEqual([]);
  });

  it('leaves nothing behind but the file', async () => {
    const parameters = cnnParameters();
    const { numTensors } = tf.memory();
    const image = { image: { shape: [2, 8, 8, 3], dtype: 'float32' } } as const;
    await exportOnnx(cnn, image, memoryDirectory(), { name: 'f', parameters });
    expect(tf.memory().numTensors).toBe(numTensors);
  });
});

const absent = pythonAbsent();
describe.skipIf(absent !== undefined)(`in Python${absent ? ` (skipped: ${absent})` : ''}`, () => {
  it.each(PRECISIONS)('a file is valid, says what it is and runs, %s', async (precision) => {
    const image = random([3, 8, 8, 3]);
    const example = { image: specOf(image) };
    const options = { ...cnnOptions(), precision, metadata: { author: 'somebody' } };
    const name = `cnn-${precision}`;
    await exportOnnx(cnn, example, fileDirectory(folder), { name, ...options });
    const printed = python(
      `
import json, numpy, onnx, onnxruntime
model = onnx.load("${name}.onnx")
onnx.checker.check_model(model, full_check=True)
session = onnxruntime.InferenceSession("${name}.onnx")
image = numpy.array(json.loads("${JSON.stringify([...image.dataSync()])}"), numpy.float32)
(scores,) = session.run(None, {"image": image.reshape(3, 8, 8, 3)})
print(json.dumps({
  "metadata": {entry.key: entry.value for entry in model.metadata_props},
  "shape": session.get_inputs()[0].shape,
  "scores": scores.tolist(),
}))
`,
      folder,
    );
    const { metadata, shape, scores } = JSON.parse(printed);
    expect(metadata).toEqual({ project: 'imglish', precision, author: 'somebody' });
    expect(shape).toEqual(['batch', 8, 8, 3]);
    const expected = cnn({ image }, cnnParameters()).scores!.dataSync();
    const limit = { float32: 1e-6, float16: 2e-3, int8: 3e-2 }[precision];
    const apart: number[] = scores
      .flat()
      .map((value: number, i: number) => Math.abs(value - expected[i]!));
    expect(Math.max(...apart)).toBeLessThan(limit);
  });
});

import { join } from 'node:path';
import { auto } from '@imglish/backend-auto/node';
import {
  type Backend,
  backboneSpecs,
  beit3,
  compiledExecutor,
  disposeAll,
  eagerExecutor,
  type HostTensor,
  initialValues,
  loadCheckpoint,
  loadTensors,
  modelConfig,
  parameterSource,
  preset,
  readModelDirectory,
  type TensorEntry,
  type Traceable,
  tensorEntry,
  writeModelDirectory,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { memory, type Tensor2D } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { temporaryFolder } from './temporary-folder.js';

// Weights that the engine reads where they lie, as they are stored.

const folder = temporaryFolder();
const config = modelConfig({ ...preset('tiny'), layers: 1, vocabularySize: 50 });
const specs = backboneSpecs(config);
const textIds: HostTensor = { dtype: 'int32', shape: [1, 3], data: Int32Array.of(0, 7, 2) };
const encode: Traceable = (inputs, parameters) => {
  const { sequence } = beit3(parameters, config, { textIds: inputs.textIds as Tensor2D });
  return { sequence };
};

/** float32 cut to its upper half. */
const bfloat16 = (values: Float32Array) =>
  Uint16Array.from(new Uint32Array(values.slice().buffer), (bits) => bits >>> 16);
/** float32 cut to binary16; what is too small for its normal numbers is zero. */
const float16 = (values: Float32Array) =>
  Uint16Array.from(values, (value) => {
    const exponent = Math.floor(Math.log2(Math.abs(value)));
    if (!(exponent >= -14)) return 0;
    const fraction = Math.floor((Math.abs(value) / 2 ** exponent - 1) * 1024);
    return (value < 0 ? 0x8000 : 0) | ((exponent + 15) << 10) | fraction;
  });

const STORED = {
  F32: (name: string, shape: readonly number[], values: Float32Array) =>
    tensorEntry(name, 'F32', shape, values),
  F16: (name: string, shape: readonly number[], values: Float32Array) =>
    tensorEntry(name, 'F16', shape, float16(values)),
  BF16: (name: string, shape: readonly number[], values: Float32Array) =>
    tensorEntry(name, 'BF16', shape, bfloat16(values)),
};

let backend: Backend;
beforeAll(async () => {
  ({ backend } = await auto({ backend: 'onnx' }));
});
afterAll(() => backend.dispose());

it.each([
  ['one file', 'F32', 1e9],
  ['shards', 'F32', 3e5],
  ['halves', 'F16', 1e9],
  ['shards of short floats', 'BF16', 2e5],
] as const)('%s: %s', async (name, stored, shardBytes) => {
  const directory = fileDirectory(join(folder, name));
  const tensors = Object.entries(specs).map(
    ([parameter, spec]): TensorEntry =>
      STORED[stored](parameter, spec.shape, initialValues(parameter, spec, 1)),
  );
  await writeModelDirectory(directory, { config: {}, tensors, shardBytes });
  const model = await readModelDirectory(directory);

  const parameters = await loadTensors(loadCheckpoint(model.tensors, { specs }));
  const expected = await eagerExecutor(parameters).run(encode, { textIds });
  disposeAll(parameters);

  const source = parameterSource(model.tensors, { specs });
  await model.close();
  const { numTensors } = memory();
  const executor = compiledExecutor(backend.compiler!, source);
  const { sequence } = await executor.run(encode, { textIds });
  await executor.dispose();
  expect(memory().numTensors).toBe(numTensors);
  expect(sequence!.shape).toEqual(expected.sequence!.shape);
  const differences = Array.from(sequence!.data, (x, i) =>
    Math.abs(x - expected.sequence!.data[i]!),
  );
  expect(Math.max(...differences)).toBeLessThan(1e-5);
  expect(Math.max(...sequence!.data)).toBeGreaterThan(0.1);
});

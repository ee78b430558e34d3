import {
  backboneSpecs,
  beit3,
  bytesSource,
  type Executor,
  loadCheckpoint,
  loadTensors,
  type ModelConfig,
  openCheckpoint,
  type TensorFile,
} from '@imglish/core';
import { tasks } from '@imglish/tasks';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import type { Engine } from './engine.js';
import { type FixtureFile, type FixtureSet, floats, integers } from './fixture-set.js';
import type { Report } from './report.js';
import type { Suite } from './suite.js';

const WEIGHTS = /^weights\/.*\.(?:safetensors|pth)$/;
const VARIANTS = 'weights/pth_variants_expected.safetensors';
const INTERPOLATE = /^interpolate\/.*\.safetensors$/;

/** Every weights file in every format, and loading at another resolution. */
export const checkpoints: Suite = {
  name: 'checkpoints, interpolation',
  covers: (path) => WEIGHTS.test(path) || INTERPOLATE.test(path),
  async run(set, report, engine) {
    const paths = set.files.map(({ path }) => path).filter((path) => WEIGHTS.test(path));
    for (const path of paths) {
      const file = await openCheckpoint(bytesSource(await set.bytes(path), path));
      const counterpart = /pth_variants/.test(path)
        ? VARIANTS
        : path.replace(/\.pth$/, '.safetensors');
      if (path.endsWith('.pth')) await checkSame(report, path, file, set, counterpart);
      else await checkSelf(report, path, file);
      await file.close();
    }
    for (const { path } of set.files.filter((file) => INTERPOLATE.test(file.path))) {
      await checkInterpolation(set, report, engine, path);
    }
  },
};

/** A `.pth` holds, bit for bit, what its safetensors counterpart holds. */
async function checkSame(
  report: Report,
  path: string,
  file: TensorFile,
  set: FixtureSet,
  counterpart: string,
): Promise<void> {
  const expected = await openCheckpoint(bytesSource(await set.bytes(counterpart), counterpart));
  const names = [...expected.tensors.keys()].sort();
  report.equal(path, 'names', [...file.tensors.keys()].sort(), names);
  for (const [name, reference] of expected.tensors) {
    const tensor = file.tensors.get(name);
    if (!tensor) continue;
    const [ours, theirs] = [await tensor.read(), await reference.read()];
    const same = bytesEqual(ours, theirs) && tensor.shape.join() === reference.shape.join();
    const kind = `${tensor.dtype} [${tensor.shape}]`;
    const passed = same && tensor.dtype === reference.dtype;
    report.check(path, name, passed, passed ? `equal, ${kind}` : `${kind} differs`);
  }
}

/** A safetensors file is read whole: sizes fit, floats are finite. */
async function checkSelf(report: Report, path: string, file: TensorFile): Promise<void> {
  for (const [name, tensor] of file.tensors) {
    const size = tensor.shape.reduce((product, n) => product * n, 1);
    const data = await tensor.read();
    report.check(path, name, data.length === size, `${tensor.dtype} [${tensor.shape}]`);
  }
}

function bytesEqual(a: ArrayBufferView, b: ArrayBufferView): boolean {
  const [x, y] = [a, b].map((v) => new Uint8Array(v.buffer, v.byteOffset, v.byteLength));
  return x!.length === y!.length && x!.every((byte, i) => byte === y![i]);
}

/** `before` and `after<pixels>` tables, and `out<pixels>` of a model loaded at another size. */
async function checkInterpolation(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  path: string,
): Promise<void> {
  const file = await set.tensors(path);
  const weights = 'weights/retrieval.safetensors';
  for (const name of Object.keys(file)) {
    const [, pixels, table] = /^after(\d+)\.(.+)$/.exec(name) ?? [];
    if (!pixels || !table) continue;
    const size = Number(pixels);
    const config = set.config({ imageSize: [size, size] });
    const source = await openCheckpoint(bytesSource(await set.bytes(weights), weights));
    const specs = { ...backboneSpecs(config), ...tasks.imageTextRetrieval.headSpecs(config, {}) };
    const parameters = await loadTensors(loadCheckpoint(source, { specs }));
    await engine.withParameters(parameters, async (executor) => {
      const resized = parameters[table]!;
      const actual = { shape: resized.shape, values: await resized.data() };
      report.output(path, name, actual, file[name]!);
      if (file[`in.image${size}`]) await checkAtSize(report, path, file, executor, config, size);
    });
  }
}

async function checkAtSize(
  report: Report,
  path: string,
  file: FixtureFile,
  executor: Executor,
  config: ModelConfig,
  size: number,
): Promise<void> {
  const inputs = {
    pixels: floats(file[`in.image${size}`]!),
    textIds: integers(file['in.text_ids']!),
    paddingMask: floats(file['in.text_padding']!),
  };
  const outputs = await executor.run(function atSize({ pixels, ...text }, parameters) {
    const textIds = text.textIds as Tensor2D;
    const paddingMask = text.paddingMask as Tensor2D;
    const given = { image: { pixels: pixels as Tensor4D }, textIds, paddingMask };
    const { sequence } = beit3(parameters, config, given);
    const { image } = tasks.imageTextRetrieval.forward(parameters, config, given);
    return { encoder_out: sequence, vision_cls: image };
  }, inputs);
  for (const [name, { shape, data }] of Object.entries(outputs)) {
    const fixture = `out${size}.${name}`;
    if (file[fixture]) report.output(path, fixture, { shape, values: data }, file[fixture]);
  }
}

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import {
  backboneSpecs,
  beit3,
  compiledExecutor,
  disposeAll,
  draw,
  eagerExecutor,
  type HostTensor,
  type HostTensorMap,
  loadCheckpoint,
  loadTensors,
  type ModelConfig,
  parameterSource,
  preset,
  readModelDirectory,
  type TensorEntry,
  type Traceable,
  tensorEntry,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import type { Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { type Limit, productLimit } from './limit.js';
import { readTensor, writeRandomModel, writeTensors } from './model-folder.js';
import { encoderProducts } from './products.js';
import { type PythonPeer, startPython } from './python-peer.js';
import { type Absence, casesOf, type RaceOptions, race, type Side } from './race.js';
import { type CaseReport, machine, type Report } from './report.js';
import { inTemporaryFolder } from './temporary-folder.js';
import { timed } from './timed.js';

const CASES = [
  { name: 'image-1', shown: 'an image', batch: 1, words: 0 },
  { name: 'image-8', shown: '8 images', batch: 8, words: 0 },
  { name: 'pair-1', shown: 'an image with 64 words', batch: 1, words: 64 },
  { name: 'pair-8', shown: '8 images with 64 words each', batch: 8, words: 64 },
] as const;
type Case = (typeof CASES)[number];

/** The encoder of BEiT-3, base as released, against PyTorch, onnxruntime and tfjs-wasm. */
export async function inference(
  options: RaceOptions,
  config: ModelConfig = preset('base'),
): Promise<Report> {
  const threads = availableParallelism();
  const asked = casesOf(CASES, options);
  const cases = await inTemporaryFolder(async (folder) => {
    await writeRandomModel(folder, config);
    const inputs = new Map(asked.map((each) => [each, randomInputs(config, each)]));
    await writeTensors(folder, 'inputs.safetensors', [...inputs].flatMap(entriesOf));
    const python = await startPython('inference.py', [folder, String(threads)], threads).catch(
      ({ message }: Error) => message,
    );
    const ours = await openOurs(folder, config, threads);
    const cases: CaseReport[] = [];
    try {
      for (const [each, given] of inputs) {
        options.note?.(each.shown);
        cases.push(await runCase({ each, given, config, folder, threads, python, ours, options }));
      }
    } finally {
      await ours.dispose();
      if (typeof python !== 'string') await python.close();
    }
    return cases;
  });
  const what =
    `BEiT-3 as released, encoder only: width ${config.dim}, ${config.layers} layers, ` +
    `${config.imageSize[0]} px, patch ${config.patchSize}. ` +
    'Difference: largest of the hidden states';
  return { benchmark: 'inference', what, machine: machine(threads), cases };
}

interface Ours {
  /** Compiled. */
  run(inputs: HostTensorMap): Promise<Float32Array>;
  /** The same function op by op. */
  eager(inputs: HostTensorMap): Promise<Float32Array>;
  readonly description: string;
  dispose(): Promise<void>;
}

async function openOurs(folder: string, config: ModelConfig, threads: number): Promise<Ours> {
  const backend = await onnx(await wasm(), { threads });
  const model = await readModelDirectory(fileDirectory(folder));
  const specs = backboneSpecs(config);
  const encoder: Traceable = ({ pixels, ids }, parameters) => {
    const image = { pixels: pixels as Tensor4D };
    const { sequence } = beit3(parameters, config, { image, textIds: ids as Tensor2D | undefined });
    return { sequence };
  };
  const compiled = compiledExecutor(backend.compiler!, parameterSource(model.tensors, { specs }), {
    freeSizes: { pixels: { 0: 'batch' }, ids: { 0: 'batch' } },
  });
  const parameters = await loadTensors(loadCheckpoint(model.tensors, { specs }));
  await model.close();
  const eager = eagerExecutor(parameters);
  const sequenceOf = ({ sequence }: HostTensorMap) => sequence!.data as Float32Array;
  return {
    run: async (inputs) => sequenceOf(await compiled.run(encoder, inputs)),
    eager: async (inputs) => sequenceOf(await eager.run(encoder, inputs)),
    description: backend.compiler!.description,
    async dispose() {
      await compiled.dispose();
      disposeAll(parameters);
      backend.dispose();
    },
  };
}

interface CaseSetting {
  each: Case;
  given: HostTensorMap;
  config: ModelConfig;
  folder: string;
  threads: number;
  /** Or why there is none. */
  python: PythonPeer | string;
  ours: Ours;
  options: RaceOptions;
}

async function runCase(setting: CaseSetting): Promise<CaseReport> {
  const { each, given, config, folder, threads, python, ours, options } = setting;
  const outputs = new Map<string, Float32Array>();
  const keeping =
    (name: string, compute: () => Promise<Float32Array>): Side['run'] =>
    (runs) =>
      timed(runs, async () => {
        outputs.set(name, await compute());
      });
  const mine: Side = {
    name: 'imglish, compiled',
    settings: ours.description,
    run: keeping('imglish, compiled', () => ours.run(given)),
  };
  const peers: Side[] = [];
  const absences: Absence[] = [];
  let official: InferenceSession | undefined;
  let limit: Limit | undefined;
  try {
    if (typeof python === 'string') {
      for (const side of ['PyTorch', 'onnxruntime on the official export']) {
        absences.push({ side, reason: python });
      }
    } else {
      peers.push(
        python.side(`${each.name}/compiled`, 'PyTorch, torch.compile', 'freezing, inference_mode'),
        python.side(`${each.name}/eager`, 'PyTorch, eager', 'inference_mode'),
      );
      try {
        options.note?.('PyTorch writes the ONNX file');
        await python.run(`${each.name}/export`, 1);
        official = await openOfficial(join(folder, `${each.name}.onnx`), threads);
        const name = 'onnxruntime on the official export';
        const run = keeping(name, runner(official, given));
        peers.push({ name, settings: `onnxruntime-node, ${threads} threads`, run });
      } catch (error) {
        const { message: reason } = error as Error;
        absences.push({ side: 'onnxruntime on the official export', reason });
      }
    }
    const wasmName = 'tfjs-wasm, op by op';
    if (each.batch === 1) {
      const run = keeping(wasmName, () => ours.eager(given));
      peers.push({ name: wasmName, settings: '@imglish/backend-wasm, 1 thread', run });
    } else {
      absences.push({
        side: wasmName,
        reason: 'a batch of 1 says it all, in an eighth of the time',
      });
    }
    const sizes = { batch: each.batch, image: true, text: each.words };
    limit = await productLimit(encoderProducts(config, sizes), threads);
    const result = await race(mine, [...peers, limit], options);
    if (typeof python !== 'string') await keepOfPython(python, each, folder, result, outputs);
    return {
      name: each.shown,
      samples: each.batch,
      standings: result.standings,
      absences: [...absences, ...result.absences],
      differences: differencesFrom(outputs.get(mine.name)!, outputs, mine.name),
    };
  } finally {
    await official?.release();
    await limit?.dispose();
  }
}

/** What the PyTorch sides that took part compute. */
async function keepOfPython(
  python: PythonPeer,
  each: Case,
  folder: string,
  { standings }: { standings: readonly { side: string }[] },
  outputs: Map<string, Float32Array>,
): Promise<void> {
  for (const [variant, side] of [
    ['compiled', 'PyTorch, torch.compile'],
    ['eager', 'PyTorch, eager'],
  ] as const) {
    if (!standings.some((standing) => standing.side === side)) continue;
    const path = join(folder, 'output.safetensors');
    await python.run(`${each.name}/${variant}`, 1, path);
    outputs.set(side, await readTensor(path, 'sequence'));
  }
}

function openOfficial(path: string, threads: number): Promise<InferenceSession> {
  return InferenceSession.create(path, {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  });
}

function runner(session: InferenceSession, given: HostTensorMap): () => Promise<Float32Array> {
  const feeds: Record<string, Tensor> = {};
  for (const [name, { shape, data }] of Object.entries(given)) {
    feeds[name] =
      data instanceof Float32Array
        ? new Tensor('float32', data, shape)
        : new Tensor('int64', BigInt64Array.from(data, BigInt), shape);
  }
  return async () => (await session.run(feeds)).sequence!.data as Float32Array;
}

export function differencesFrom(
  mine: Float32Array,
  outputs: ReadonlyMap<string, Float32Array>,
  own: string,
): Record<string, number> {
  const differences: Record<string, number> = {};
  for (const [side, theirs] of outputs) {
    if (side === own) continue;
    if (theirs.length !== mine.length) throw new Error(`${side} gave ${theirs.length} values`);
    differences[side] = mine.reduce((most, x, i) => Math.max(most, Math.abs(x - theirs[i]!)), 0);
  }
  return differences;
}

function randomInputs(config: ModelConfig, { name, batch, words }: Case): HostTensorMap {
  const random = draw(0, `inputs ${name}`);
  const [height, width] = config.imageSize;
  const pixels = Float32Array.from({ length: batch * 3 * height * width }, () => random.normal());
  const image: HostTensor = { dtype: 'float32', shape: [batch, 3, height, width], data: pixels };
  if (words === 0) return { pixels: image };
  const ids = Int32Array.from({ length: batch * words }, () =>
    random.integer(config.vocabularySize),
  );
  return { pixels: image, ids: { dtype: 'int32', shape: [batch, words], data: ids } };
}

function entriesOf([{ name }, given]: [Case, HostTensorMap]): TensorEntry[] {
  return Object.entries(given).map(([input, { shape, data }]) =>
    data instanceof Float32Array
      ? tensorEntry(`${name}.${input}`, 'F32', shape, data)
      : tensorEntry(`${name}.${input}`, 'I32', shape, data as Int32Array),
  );
}

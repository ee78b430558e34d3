import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import {
  disposeAll,
  loadCheckpoint,
  loadTensors,
  type ModelConfig,
  preset,
  readModelDirectory,
  type TensorEntry,
  tensorEntry,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { type PretrainBatch, pretrainSpecs } from '@imglish/pretrain';
import { type TrainOptions, train } from '@imglish/train';
import { productLimit } from './limit.js';
import { readTensor, writeRandomModel, writeTensors } from './model-folder.js';
import { type PausedTraining, pausedTraining } from './paused-training.js';
import { trainingProducts } from './products.js';
import { type PythonPeer, startPython } from './python-peer.js';
import { type Absence, type RaceOptions, race, type Side } from './race.js';
import { type CaseReport, machine, type Report } from './report.js';
import { inTemporaryFolder } from './temporary-folder.js';
import { timed } from './timed.js';
import {
  CODES,
  type HostBatch,
  type HostSlots,
  MASKED_PATCHES,
  MASKED_WORDS,
  RECIPE,
  randomBatch,
  trainOptions,
  WORDS,
} from './train-job.js';

const BATCH = 32;
/** Steps whose losses are compared. */
const COMPARED = 3;

/** One step of masked data modelling on pairs, against PyTorch and tfjs-wasm. */
export async function trainStep(
  options: RaceOptions,
  config: ModelConfig = { ...preset('small'), variant: 'released', fusionLayers: 0 },
): Promise<Report> {
  const threads = availableParallelism();
  const what =
    `loss, gradients, clipping and AdamW on ${BATCH} pairs of an image and ${WORDS} words; ` +
    `as released, width ${config.dim}, ${config.layers} layers, vocabulary ` +
    `${config.vocabularySize}; heads on masked slots only. ` +
    'Difference: largest relative one of the first losses';
  const result = await inTemporaryFolder((folder) => runStep(folder, config, threads, options));
  return { benchmark: 'train-step', what, machine: machine(threads), cases: [result] };
}

async function runStep(
  folder: string,
  config: ModelConfig,
  threads: number,
  options: RaceOptions,
): Promise<CaseReport> {
  const batch = randomBatch(config, BATCH);
  const closing: (() => unknown)[] = [];
  try {
    const specs = pretrainSpecs(config, CODES);
    await writeRandomModel(folder, config, specs);
    await writeFile(join(folder, 'step.json'), JSON.stringify(RECIPE));
    await writeTensors(folder, 'batch.safetensors', entriesOf(batch));
    const backend = await onnx(await wasm(), { threads });
    closing.push(() => backend.dispose());
    const compiler = backend.compiler!;
    const model = await readModelDirectory(fileDirectory(folder));
    const parameters = await loadTensors(loadCheckpoint(model.tensors, { specs }));
    closing.push(() => disposeAll(parameters));
    await model.close();
    const losses = new Map<string, number[]>();
    const training = (name: string, settings: string, extra: Partial<Options>): Side => {
      const paused = pausedTraining((onStep, signal) =>
        train({ ...trainOptions(config, parameters, batch), ...extra, onStep, signal }),
      );
      closing.push(() => paused.stop());
      losses.set(name, []);
      return { name, settings, run: (runs) => timedSteps(paused, runs, losses.get(name)!) };
    };
    const ours = training('imglish, compiled', compiler.description, { compiler });
    const eager = training('tfjs-wasm, op by op', '@imglish/backend-wasm, 1 thread', {});
    const peers: Side[] = [];
    const absences: Absence[] = [];
    await ours.run(COMPARED);
    try {
      const python = await startPython('train_step.py', [folder, String(threads)], threads);
      closing.push(() => python.close());
      for (const [variant, name] of [
        ['compiled', 'PyTorch, torch.compile'],
        ['eager', 'PyTorch, eager'],
      ] as const) {
        peers.push(python.side(variant, name, 'fused AdamW'));
        losses.set(name, await lossesOf(python, variant, folder).catch(() => []));
      }
    } catch (error) {
      absences.push({ side: 'PyTorch', reason: (error as Error).message });
    }
    const slots = [
      { slots: BATCH * MASKED_WORDS, classes: config.vocabularySize },
      { slots: BATCH * MASKED_PATCHES, classes: CODES },
    ];
    const sizes = { batch: BATCH, image: true, text: WORDS };
    const limit = await productLimit(trainingProducts(config, sizes, slots), threads);
    closing.push(() => limit.dispose());
    const result = await race(ours, [...peers, eager, limit], options);
    return {
      name: `masked data modelling, batch ${BATCH}`,
      samples: BATCH,
      standings: result.standings,
      absences: [...absences, ...result.absences],
      differences: lossDifferences(losses, ours.name),
    };
  } finally {
    for (const close of closing.reverse()) await close();
  }
}

type Options = TrainOptions<PretrainBatch>;

function timedSteps(training: PausedTraining, runs: number, losses: number[]): Promise<number[]> {
  return timed(runs, async () => {
    losses.push((await training.step()).total);
  });
}

async function lossesOf(python: PythonPeer, name: string, folder: string): Promise<number[]> {
  const losses: number[] = [];
  const path = join(folder, 'loss.safetensors');
  for (let i = 0; i < COMPARED; i++) {
    await python.run(name, 1, path);
    losses.push((await readTensor(path, 'loss'))[0]!);
  }
  return losses;
}

function lossDifferences(
  losses: ReadonlyMap<string, readonly number[]>,
  own: string,
): Record<string, number> {
  const mine = losses.get(own)!;
  const differences: Record<string, number> = {};
  for (const [side, theirs] of losses) {
    if (side === own || theirs.length === 0) continue;
    const first = theirs.slice(0, COMPARED);
    differences[side] = Math.max(...first.map((loss, i) => Math.abs(loss / mine[i]! - 1)));
  }
  return differences;
}

function entriesOf(batch: HostBatch): TensorEntry[] {
  const slots = (name: string, { positions, labels }: HostSlots): TensorEntry[] => [
    tensorEntry(`${name}_positions`, 'I32', [positions.length], positions),
    tensorEntry(`${name}_labels`, 'I32', [labels.length], labels),
  ];
  return [
    tensorEntry('pixels', 'F32', batch.pixelShape, batch.pixels),
    tensorEntry('ids', 'I32', [BATCH, WORDS], batch.ids),
    tensorEntry('image_mask', 'F32', [BATCH, batch.patches], batch.imageMask),
    ...slots('word', batch.words),
    ...slots('patch', batch.codes),
  ];
}

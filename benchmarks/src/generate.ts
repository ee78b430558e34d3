import { writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import {
  backboneSpecs,
  draw,
  type HostTensor,
  type ModelConfig,
  modelConfig,
  type ParameterSpecs,
  parameterSource,
  preset,
  readModelDirectory,
  tensorEntry,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { type CaptionDecoder, compiledCaptionDecoder, type Decoding, tasks } from '@imglish/tasks';
import { differencesFrom } from './inference.js';
import { type Limit, productLimit } from './limit.js';
import { memoryLimit } from './memory-limit.js';
import { readTensor, writeRandomModel, writeTensors } from './model-folder.js';
import { encoderProducts, type Product } from './products.js';
import { type PythonPeer, startPython } from './python-peer.js';
import { casesOf, type RaceOptions, race, type Side } from './race.js';
import { type CaseReport, machine, type Report } from './report.js';
import { inTemporaryFolder } from './temporary-folder.js';

/** Words of a run; the recipe's longest caption has 29. */
const WORDS = 16;
const MAX_LENGTH = 32;
const [BEGIN, MASK] = [0, 64_001];
/** Candidates for each beam. */
const TOP = 3;

const CASES = [
  { name: 'greedy', what: 'steps', shown: 'a word, greedy', beams: 1 },
  { name: 'beams', what: 'steps', shown: 'a word, 3 beams', beams: 3 },
  { name: 'greedy', what: 'first', shown: 'the image and the first word', beams: 1 },
] as const;
type Case = (typeof asked)[number];

interface Step {
  words: number[];
  /** Which text each continues. */
  parents: number[];
}

/** Captions of BEiT-3, base at 480 px, word by word, against the official state in PyTorch. */
export async function generate(
  options: RaceOptions,
  config: ModelConfig = modelConfig({ ...preset('base'), imageSize: [480, 480] }),
): Promise<Report> {
  const threads = availableParallelism();
  const specs = { ...backboneSpecs(config), ...tasks.imageCaptioning.headSpecs(config, {}) };
  const asked = casesOf(CASES, options);
  const cases = await inTemporaryFolder(async (folder) => {
    await writeRandomModel(folder, config, specs);
    const pixels = randomPixels(config);
    const entry = tensorEntry('pixels', 'F32', pixels.shape, pixels.data as Float32Array);
    await writeTensors(folder, 'pixels.safetensors', [entry]);
    const steps = Object.fromEntries(
      asked.map(({ name, beams }) => [name, { beams, steps: randomSteps(config, beams) }]),
    );
    const given = { begin: BEGIN, mask: MASK, cases: steps };
    await writeFile(join(folder, 'steps.json'), JSON.stringify(given));
    const python = await startPython('generate.py', [folder, String(threads)], threads).catch(
      ({ message }: Error) => message,
    );
    const ours = await openOurs(folder, config, specs, threads);
    const cases: CaseReport[] = [];
    try {
      for (const each of CASES) {
        options.note?.(each.shown);
        const steps = given.cases[each.name]!.steps;
        const limit = await limitOf(each, config, specs, threads);
        try {
          cases.push(await runCase({ each, steps, pixels, folder, python, ours, limit, options }));
        } finally {
          await limit.dispose();
        }
      }
    } finally {
      await ours.dispose();
      if (typeof python !== 'string') await python.close();
    }
    return cases;
  });
  const what =
    `captions by BEiT-3 as released: width ${config.dim}, ${config.layers} layers, ` +
    `${config.imageSize[0]} px, patch ${config.patchSize}, ${config.vocabularySize} words. ` +
    `A word is one of ${WORDS} after the first. Difference: largest of the best log-probabilities`;
  return { benchmark: 'generate', what, machine: machine(threads), cases };
}

interface Ours {
  readonly decoder: CaptionDecoder;
  readonly description: string;
  dispose(): Promise<void>;
}

async function openOurs(
  folder: string,
  config: ModelConfig,
  specs: ParameterSpecs,
  threads: number,
): Promise<Ours> {
  const backend = await onnx(await wasm(), { threads });
  const model = await readModelDirectory(fileDirectory(folder));
  const source = parameterSource(model.tensors, { specs });
  const decoder = await compiledCaptionDecoder(backend.compiler!, source, config);
  await model.close();
  return {
    decoder,
    description: backend.compiler!.description,
    async dispose() {
      await decoder.dispose();
      backend.dispose();
    },
  };
}

interface CaseSetting {
  each: Case;
  steps: readonly Step[];
  pixels: HostTensor;
  folder: string;
  /** Or why there is none. */
  python: PythonPeer | string;
  ours: Ours;
  limit: Limit;
  options: RaceOptions;
}

async function runCase(setting: CaseSetting): Promise<CaseReport> {
  const { each, python, ours, limit, folder, options } = setting;
  const official = 'PyTorch, eager';
  const outputs = new Map<string, Float32Array>();
  const mine: Side = {
    name: 'imglish, compiled',
    settings: ours.description,
    async run(runs) {
      const times: number[] = [];
      for (let i = 0; i < runs; i++) {
        const { seconds, logProbs } = await write(setting);
        times.push(seconds);
        outputs.set(mine.name, logProbs);
      }
      return times;
    },
  };
  const name = `${each.name}/${each.what}`;
  const peers: Side[] =
    typeof python === 'string' ? [] : [python.side(name, official, 'torchscale, inference_mode')];
  const result = await race(mine, [...peers, limit], options);
  if (typeof python !== 'string' && result.standings.some(({ side }) => side === official)) {
    const path = join(folder, 'output.safetensors');
    await python.run(name, 1, path);
    outputs.set(official, await readTensor(path, 'logProbs'));
  }
  return {
    name: each.shown,
    samples: each.what === 'steps' ? WORDS : 1,
    standings: result.standings,
    absences: [
      ...(typeof python === 'string' ? [{ side: official, reason: python }] : []),
      ...result.absences,
    ],
    differences: differencesFrom(outputs.get(mine.name)!, outputs, mine.name),
  };
}

/** The first word, or those after it: seconds of these alone, and the best log-probabilities. */
async function write({ each, steps, pixels, ours }: CaseSetting): Promise<{
  seconds: number;
  logProbs: Float32Array;
}> {
  const { beams, what } = each;
  const found: number[] = [];
  const step = async (decoding: Decoding, { words, parents }: Step): Promise<void> => {
    const next = await decoding.step(Int32Array.from(words), Int32Array.from(parents));
    const all = next.flatMap(({ logProbs }) => [...logProbs]).sort((a, b) => b - a);
    found.push(...all.slice(0, TOP * beams));
  };
  const first = {
    words: Array<number>(beams).fill(BEGIN),
    parents: Array.from({ length: beams }, (_, i) => i),
  };
  const settings = { beams, maxLength: MAX_LENGTH, candidates: TOP * beams, maskId: MASK };
  const begun = performance.now();
  const decoding = await ours.decoder.begin(pixels, settings);
  try {
    await step(decoding, first);
    const began = performance.now();
    if (what === 'first') {
      return { seconds: (began - begun) / 1000, logProbs: Float32Array.from(found) };
    }
    found.length = 0;
    for (const each of steps) await step(decoding, each);
    const seconds = (performance.now() - began) / 1000;
    return { seconds, logProbs: Float32Array.from(found) };
  } finally {
    await decoding.dispose();
  }
}

/** For words, the weights read once; for the image, which is all computing, the products. */
async function limitOf(
  { what }: Case,
  config: ModelConfig,
  specs: ParameterSpecs,
  threads: number,
): Promise<Limit> {
  if (what === 'steps') {
    const name = 'limit: the weights read once a word';
    return memoryLimit(name, bytesOfWord(specs), WORDS, threads);
  }
  const head: Product = {
    ...{ batch: 1, m: 1, k: config.dim, n: config.vocabularySize },
    ...{ transposeA: false, transposeB: true, constant: true, count: 1 },
  };
  const sizes = { batch: 1, image: true, text: 2 };
  return productLimit([...encoderProducts(config, sizes), head], threads);
}

/** What a word needs of the parameters: the language experts and the head, not the tables. */
function bytesOfWord(specs: ParameterSpecs): number {
  const needed = /^beit3\.encoder\.layers\..*\.B\.|^beit3\.encoder\.layer_norm\.B\.|^mlm_head\./;
  return Object.entries(specs)
    .filter(([name]) => needed.test(name))
    .reduce((bytes, [, { shape }]) => bytes + 4 * shape.reduce((size, n) => size * n, 1), 0);
}

function randomPixels({ imageSize: [height, width] }: ModelConfig): HostTensor {
  const random = draw(0, 'pixels of captions');
  const data = Float32Array.from({ length: 3 * height * width }, () => random.normal());
  return { dtype: 'float32', shape: [1, 3, height, width], data };
}

/** Words and parents as a beam search might have them; given, so that both sides do the same. */
function randomSteps({ vocabularySize }: ModelConfig, beams: number): Step[] {
  const random = draw(0, `steps of ${beams} beams`);
  const each = (n: number) => Array.from({ length: beams }, () => random.integer(n));
  return Array.from({ length: WORDS }, (_, step) => ({
    words: each(vocabularySize),
    parents: step === 0 ? Array.from({ length: beams }, (_, i) => i) : each(beams),
  }));
}

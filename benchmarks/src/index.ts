import { parseArgs } from 'node:util';
import { type Result, table } from './compare.js';
import { gallery, galleryText } from './gallery.js';
import { generate } from './generate.js';
import { inference } from './inference.js';
import { loading } from './loading.js';
import { type MemoryJob, measureMemory, memory, memoryText } from './memory.js';
import { precisions } from './precisions.js';
import type { RaceOptions } from './race.js';
import { ranks, ranksText } from './ranks.js';
import { reportText } from './report.js';
import { textLengths } from './text-lengths.js';
import { trainStep } from './train-step.js';
import { wasmKernels } from './wasm-kernels.js';
import { wasmStep } from './wasm-step.js';

interface Options extends RaceOptions {
  layers: number;
  batch: number;
  job?: MemoryJob;
}

/** What a benchmark found, for programs and for people. */
interface Outcome {
  json: unknown;
  text: string;
}

const contests = (run: () => Promise<Result[]>) => async (): Promise<Outcome> => {
  const results = await run();
  return { json: results, text: table(results) };
};
const races =
  (run: (options: RaceOptions) => Promise<Parameters<typeof reportText>[0]>) =>
  async (options: RaceOptions): Promise<Outcome> => {
    const report = await run(options);
    return { json: report, text: reportText(report) };
  };

const benchmarks: Readonly<Record<string, (options: Options) => Promise<Outcome>>> = {
  inference: races(inference),
  generate: races(generate),
  async gallery({ note }) {
    const report = await gallery(note);
    return { json: report, text: galleryText(report) };
  },
  async memory({ layers, batch, job, note = () => {} }) {
    if (job) {
      const measure = await measureMemory(job);
      return { json: measure, text: JSON.stringify(measure) };
    }
    const report = await memory({ layers, batch }, note);
    return { json: report, text: memoryText(report) };
  },
  precisions: races(precisions),
  async ranks(options) {
    const report = await ranks(options);
    return { json: report, text: ranksText(report) };
  },
  'train-step': races(trainStep),
  'text-lengths': races(textLengths),
  loading: races((options) => loading(options)),
  'wasm-kernels': contests(wasmKernels),
  'wasm-step': contests(wasmStep),
};

const USAGE = `usage: bench NAME [--json] [--rounds N] [--turn SECONDS] [--only CASE] [--layers N] [--batch N]

NAME is one of ${Object.keys(benchmarks).join(', ')}.
In races (inference, generate, precisions, train-step, text-lengths) and in ranks every side runs about SECONDS (3) in each of N (7) rounds; inference and
generate have several cases, of which CASE is run alone. memory trains a base model of N (12) layers with N (2) pairs a step.`;

const { name, json, options } = readArguments();
const benchmark = benchmarks[name];
const inCases = name === 'inference' || name === 'generate';
if (
  !benchmark ||
  (options.only !== undefined && !inCases) ||
  !(options.rounds >= 1) ||
  !(options.layers >= 1 && options.batch >= 1) ||
  !(options.turnSeconds > 0)
) {
  console.error(USAGE);
  process.exitCode = 2;
} else {
  const outcome = await benchmark(options);
  console.log(json ? JSON.stringify(outcome.json, null, 2) : outcome.text);
}

function readArguments(): { name: string; json: boolean; options: Options } {
  try {
    const { values, positionals } = parseArgs({
      allowPositionals: true,
      options: {
        json: { type: 'boolean', default: false },
        rounds: { type: 'string', default: '7' },
        only: { type: 'string' },
        turn: { type: 'string', default: '3' },
        layers: { type: 'string', default: '12' },
        batch: { type: 'string', default: '2' },
        job: { type: 'string' },
      },
    });
    const name = positionals.length === 1 ? positionals[0]! : '';
    const options = {
      rounds: Math.floor(Number(values.rounds)),
      turnSeconds: Number(values.turn),
      only: values.only,
      layers: Math.floor(Number(values.layers)),
      batch: Math.floor(Number(values.batch)),
      ...(values.job === undefined ? {} : { job: JSON.parse(values.job) }),
      note: (text: string) => console.error(`bench: ${text}`),
    };
    return { name, json: values.json, options };
  } catch {
    return { name: '', json: false, options: { rounds: 1, turnSeconds: 1, layers: 1, batch: 1 } };
  }
}

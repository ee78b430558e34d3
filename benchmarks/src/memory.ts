import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import { disposeAll, type ModelConfig, type Parameters, preset } from '@imglish/core';
import { pretrainSpecs } from '@imglish/pretrain';
import { train } from '@imglish/train';
import { fill } from '@tensorflow/tfjs-core';
import { CODES, randomBatch, trainOptions, WORDS } from './train-job.js';

export interface MemoryOptions {
  /** Layers of the base model; fewer are quicker. */
  layers: number;
  /** Pairs of an image and a text in a step. */
  batch: number;
}

/** What a process needed that did a few steps. */
export interface MemoryMeasure {
  recompute: boolean;
  /** Bytes of parameters, moments and gradients. */
  state: number;
  /** Most bytes that the process had in memory, from its start on. */
  peak: number;
  /** Most bytes after the first step, which has compiled, was done. */
  peakOfSteps: number;
  /** Of the steps after the first. */
  secondsPerStep: number;
  loss: number;
}

export interface MemoryReport extends MemoryOptions {
  benchmark: 'memory';
  parameters: number;
  /** Without recompute, and with. */
  measures: MemoryMeasure[];
}

/** What a process is given that measures. */
export interface MemoryJob extends MemoryOptions {
  recompute: boolean;
}

/** The first compiles; of the next ones, memory and time are taken. */
const STEPS = 3;

const THREADS = 2;

/** Memory of compiled training steps with activations kept and computed again, in processes of their own. */
export async function memory(
  options: MemoryOptions,
  note: (text: string) => void,
): Promise<MemoryReport> {
  const measures: MemoryMeasure[] = [];
  for (const recompute of [false, true]) {
    note(`${options.layers} layers, batch ${options.batch}, recompute ${recompute}`);
    measures.push(await measured({ ...options, recompute }));
  }
  const parameters = measures[0]!.state / (4 * Float32Array.BYTES_PER_ELEMENT);
  return { benchmark: 'memory', ...options, parameters, measures };
}

export function memoryText({ layers, batch, parameters, measures }: MemoryReport): string {
  const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(2)} GB`;
  const lines = measures.map(({ recompute, peak, peakOfSteps, secondsPerStep, state }) =>
    [
      recompute ? 'computed again' : 'kept          ',
      `steps ${gigabytes(peakOfSteps)}`,
      `beyond the state ${gigabytes(peakOfSteps - state)}`,
      `whole process ${gigabytes(peak)}`,
      `${secondsPerStep.toFixed(1)} s/step`,
    ].join('  '),
  );
  const [kept, again] = measures.map(({ peakOfSteps, state }) => peakOfSteps - state);
  return [
    `Peak memory of a compiled training step: base width, ${layers} layers, ${(parameters / 1e6).toFixed(0)} M parameters, ${batch} pairs of an image and ${WORDS} words, ${THREADS} threads`,
    `Parameters, moments and gradients: ${gigabytes(measures[0]!.state)}. Activations:`,
    ...lines,
    `Recompute needs ${(again! / kept!).toFixed(2)} of the memory beyond the state, ${(measures[1]!.secondsPerStep / measures[0]!.secondsPerStep).toFixed(2)} of the time.`,
  ].join('\n');
}

/** Does a few steps in this process, and measures. */
export async function measureMemory({
  layers,
  batch,
  recompute,
}: MemoryJob): Promise<MemoryMeasure> {
  const config: ModelConfig = { ...preset('base'), layers, fusionLayers: Math.min(3, layers) };
  const backend = await onnx(await wasm(), { threads: THREADS });
  const parameters = plainParameters(config);
  const size = Object.values(parameters).reduce((sum, tensor) => sum + tensor.size, 0);
  const options = trainOptions(config, parameters, randomBatch(config, batch), recompute);
  let begun = 0;
  let seconds = 0;
  let loss = 0;
  let peakOfSteps = 0;
  const { state } = await train({
    ...options,
    steps: STEPS,
    compiler: backend.compiler!,
    onStep({ step, total }) {
      if (step === 1) {
        // They are with the engine by now.
        disposeAll(parameters);
        forgetPeak();
        begun = performance.now();
      } else if (step === STEPS) seconds = (performance.now() - begun) / 1000;
      loss = total;
      if (step === STEPS) peakOfSteps = peakMemory();
    },
  });
  disposeAll(state.parameters);
  await backend.dispose();
  return {
    recompute,
    state: 4 * size * Float32Array.BYTES_PER_ELEMENT,
    peak: 1024 * process.resourceUsage().maxRSS,
    peakOfSteps,
    secondsPerStep: seconds / (STEPS - 1),
    loss,
  };
}

/** Small numbers that differ: what they are does not matter here, but that they take no time to draw. */
function plainParameters(config: ModelConfig): Parameters {
  const specs = Object.entries(pretrainSpecs(config, CODES));
  return Object.fromEntries(
    specs.map(([name, { shape, init }]) => {
      return [name, fill([...shape], init.kind === 'ones' ? 1 : 0.001)] as const;
    }),
  );
}

/** Lets the kernel forget the most that this process has had in memory; only Linux can. */
function forgetPeak(): void {
  writeFileSync('/proc/self/clear_refs', '5');
}

function peakMemory(): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync('/proc/self/status', 'utf8'))!;
  return 1024 * Number(kilobytes);
}

function measured(job: MemoryJob): Promise<MemoryMeasure> {
  const child = spawn(
    process.execPath,
    [process.argv[1]!, 'memory', '--job', JSON.stringify(job)],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  let output = '';
  child.stdout.on('data', (chunk) => {
    output += chunk;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (code === 0) resolve(JSON.parse(output.trim().split('\n').at(-1)!));
      else reject(new Error(`a measuring process ended with ${signal ?? `exit ${code}`}`));
    });
  });
}

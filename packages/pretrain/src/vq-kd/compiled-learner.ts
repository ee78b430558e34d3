import {
  type Compiled,
  type Compiler,
  type HostTensor,
  ops,
  type Parameters,
  type Region,
  type RegionView,
  type TensorMap,
  type TensorSpec,
  toHost,
  valueAndGradients,
} from '@imglish/core';
import { VQ_KD_NO_DECAY, type VqKdConfig } from '@imglish/tokenizers';
import {
  adamWUpdate,
  checkedAdamW,
  globalNorm,
  parameterGroups,
  recordedClipFactor,
  type StateSource,
  stepFactors,
  type ValueSource,
} from '@imglish/train';
import {
  type Scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
  tidy,
} from '@tensorflow/tfjs-core';
import { type LearnerOptions, normalizedVectors, type VqKdLearner } from './learner.js';
import { isOfPixelDecoder, VQ_KD_STREAMS, vqKdObjective } from './objective.js';
import { tokenizerGradients } from './step.js';

/** Where a parameter lies in each region. */
interface Slot {
  readonly name: string;
  readonly shape: readonly number[];
  readonly offset: number;
  readonly size: number;
}

type Inputs = Record<string, HostTensor | RegionView>;

const KINDS = ['parameter', 'm', 'v'] as const;

/**
 * Learns by one compiled function per update; parameters and moments are regions of the engine, which
 * it reads and writes in place. Only the codebook passes through here.
 */
export async function compiledLearner(
  compiler: Compiler,
  config: VqKdConfig,
  begin: StateSource,
  { weightDecay, maxGradientNorm, ...adam }: LearnerOptions,
): Promise<VqKdLearner> {
  const hyperparameters = checkedAdamW(adam, 0);
  const groups = parameterGroups(begin.parameters, { weightDecay, noDecay: VQ_KD_NO_DECAY });
  const slots = slotsOf(begin.parameters);
  const regions = await openRegions(compiler, slots, begin);
  const compiled = new Map<string, Promise<Compiled>>();
  let { step } = begin;

  const views = (kind: (typeof KINDS)[number]): Record<string, RegionView> =>
    Object.fromEntries(
      slots.map(({ name, offset, shape }) => [
        `${kind}.${name}`,
        regions[kind].view(offset, shape),
      ]),
    );
  const stateViews = { ...views('parameter'), ...views('m'), ...views('v') };

  const update = (inputs: TensorMap): TensorMap => {
    const learnt: Record<string, TensorMap[string]> = {};
    for (const { name } of slots) learnt[name] = inputs[`parameter.${name}`]!;
    const batch = { patches: inputs.patches as Tensor3D, target: inputs.target as Tensor3D };
    const { aux, gradients } = valueAndGradients(
      (parameters) => vqKdObjective(config, parameters, inputs.codebook as Tensor2D, batch),
      learnt,
    );
    const norm = globalNorm(tokenizerGradients(gradients));
    const { limit } = inputs;
    const factor = limit && recordedClipFactor(norm, limit as Scalar);
    // Parameters are written over what the loss reads: not before it has read everything.
    const read = [globalNorm(gradients), ...VQ_KD_STREAMS.flatMap((stream) => aux[stream] ?? [])];
    const token = read.reduce((sum: Tensor, value) => ops.add(sum, value), norm);
    const outputs: Record<string, TensorMap[string]> = { ...aux, norm };
    for (const { name } of slots) {
      const gradient = gradients[name]!;
      const decay = inputs[groups[name]!.weightDecay > 0 ? 'decay' : 'whole'] as Scalar;
      const [p, m, v] = adamWUpdate(
        inputs[`parameter.${name}`]!,
        factor && !isOfPixelDecoder(name) ? ops.mul(gradient, factor) : gradient,
        inputs[`m.${name}`]!,
        inputs[`v.${name}`]!,
        {
          ...hyperparameters,
          decay: ops.after(decay, token),
          rate: inputs.rate as Scalar,
          root: inputs.root as Scalar,
        },
      );
      Object.assign(outputs, { [`parameter.${name}`]: p, [`m.${name}`]: m, [`v.${name}`]: v });
    }
    return outputs;
  };
  const encode = (inputs: TensorMap): TensorMap => {
    const parameters: Parameters = Object.fromEntries(
      slots.map(({ name }) => [name, inputs[`parameter.${name}`]!]),
    );
    return { z: normalizedVectors(parameters, config, inputs.patches as Tensor3D) };
  };
  /** One function for each number of images. */
  const compiledFor = (
    f: (inputs: TensorMap) => TensorMap,
    inputs: Inputs,
    over: readonly string[] = [],
  ): Promise<Compiled> => {
    const key = `${f.name} ${inputs.patches!.shape}`;
    let found = compiled.get(key);
    if (!found) {
      const example = Object.entries(inputs).map(
        ([name, { dtype, shape }]): [string, TensorSpec] => [name, { dtype, shape }],
      );
      const inPlace = Object.fromEntries(over.map((name) => [name, name]));
      const options = { name: `VQ-KD ${f.name}`, ...(over.length > 0 ? { inPlace } : {}) };
      found = compiler.compile(
        (given) => tidy(() => f(given)),
        Object.fromEntries(example),
        options,
      );
      compiled.set(key, found);
    }
    return found;
  };
  return {
    async update({ patches, target }, rows, lr) {
      const bias = (beta: number): number => 1 - beta ** (step + 1);
      const { beta1, beta2 } = hyperparameters;
      const factors = stepFactors({ lr, weightDecay, bias1: bias(beta1), bias2: bias(beta2) });
      const inputs: Inputs = {
        ...stateViews,
        patches: await toHost(patches),
        target: await toHost(target),
        codebook: { dtype: 'float32', shape: [config.codes, config.codeDim], data: rows },
        ...scalars({ ...factors, whole: 1 }),
        ...(maxGradientNorm === undefined ? {} : scalars({ limit: maxGradientNorm })),
      };
      const run = await compiledFor(update, inputs, Object.keys(stateViews));
      const outputs = await run.run(inputs, { into: stateViews });
      step++;
      const count = patches.shape[0] * patches.shape[1];
      const mean = (name: string): number => outputs[name]!.data[0]! / count;
      return {
        distillation: mean('distillation'),
        commitment: mean('commitment'),
        ...(outputs.pixels ? { pixels: mean('pixels') } : {}),
        gradientNorm: outputs.norm!.data[0]!,
        z: outputs.z!.data as Float32Array,
        codes: outputs.codes!.data as Int32Array,
      };
    },
    async encode(patches) {
      const inputs = { ...views('parameter'), patches: await toHost(patches) };
      const { z } = await (await compiledFor(encode, inputs)).run(inputs);
      return z!.data as Float32Array;
    },
    state(): StateSource {
      const source =
        (kind: (typeof KINDS)[number]) =>
        ({ offset, shape, size }: Slot): ValueSource => ({
          shape,
          read: () => regions[kind].read(offset, size),
        });
      const entries = <T>(of: (slot: Slot) => T) =>
        Object.fromEntries(slots.map((slot) => [slot.name, of(slot)]));
      return {
        step,
        compiler: compiler.description,
        parameters: entries(source('parameter')),
        moments:
          step === 0
            ? {}
            : entries((slot) => ({ step, m: source('m')(slot), v: source('v')(slot) })),
      };
    },
    async dispose() {
      for (const found of await Promise.allSettled(compiled.values())) {
        if (found.status === 'fulfilled') await found.value.dispose();
      }
      for (const kind of KINDS) await regions[kind].dispose();
    },
  };
}

function slotsOf(parameters: StateSource['parameters']): Slot[] {
  let offset = 0;
  return Object.entries(parameters).map(([name, { shape }]) => {
    const size = shape.reduce((product, n) => product * n, 1);
    const slot = { name, shape, offset, size };
    offset += size;
    return slot;
  });
}

/** Copies a state into new regions of the engine. */
async function openRegions(
  compiler: Compiler,
  slots: readonly Slot[],
  { parameters, moments }: StateSource,
): Promise<Record<(typeof KINDS)[number], Region>> {
  const { offset, size } = slots.at(-1)!;
  const made: Region[] = [];
  try {
    for (const _ of KINDS) made.push(await compiler.reserve(offset + size));
    const [parameter, m, v] = made as [Region, Region, Region];
    for (const { name, offset } of slots) {
      await parameter.write(await parameters[name]!.read(), offset);
      const saved = moments[name];
      if (!saved) continue;
      await m.write(await saved.m.read(), offset);
      await v.write(await saved.v.read(), offset);
    }
    return { parameter, m, v };
  } catch (error) {
    for (const region of made) await region.dispose();
    throw error;
  }
}

function scalars(values: Readonly<Record<string, number>>): Record<string, HostTensor> {
  return Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      { dtype: 'float32', shape: [], data: Float32Array.of(value) } satisfies HostTensor,
    ]),
  );
}

import {
  type Compiled,
  type Compiler,
  type HostTensor,
  ops,
  type Parameters,
  type Region,
  type RegionView,
  type TensorMap,
  toHost,
  valueAndGradients,
} from '@imglish/core';
import { VQ_KD_NO_DECAY, type VqKdConfig } from '@imglish/tokenizers';
import {
  adamWUpdate,
  checkedAdamW,
  compileFor,
  disposeRegions,
  globalNorm,
  hostScalar,
  layoutOf,
  openRegions,
  parameterGroups,
  type RunInputs,
  recordedClipFactor,
  type StateSource,
  stateIn,
  stepFactors,
} from '@imglish/train';
import type { Scalar, Tensor, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { type LearnerOptions, normalizedVectors, type VqKdLearner } from './learner.js';
import { isOfPixelDecoder, VQ_KD_STREAMS, vqKdObjective } from './objective.js';
import { tokenizerGradients } from './step.js';

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
  const layout = layoutOf(begin.parameters, groups);
  const slots = [...layout.slots.values()];
  const regions = await openRegions(compiler, layout, begin);
  const compiled = new Map<string, Promise<Compiled>>();

  const views = (kind: string, region: Region): Record<string, RegionView> =>
    Object.fromEntries(
      slots.map(({ name, offset, shape }) => [`${kind}.${name}`, region.view(offset, shape)]),
    );
  const parameterViews = views('parameter', regions.parameters);
  const stateViews = { ...parameterViews, ...views('m', regions.m), ...views('v', regions.v) };

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
    inputs: RunInputs,
    over: readonly string[] = [],
  ): Promise<Compiled> => {
    const key = `${f.name} ${inputs.patches!.shape}`;
    const inPlace = Object.fromEntries(over.map((name) => [name, name]));
    const found = compiled.get(key) ?? compileFor(compiler, `VQ-KD ${f.name}`, inputs, inPlace, f);
    compiled.set(key, found);
    return found;
  };
  return {
    async update({ patches, target }, rows, lr) {
      const bias = (beta: number): number => 1 - beta ** (regions.step + 1);
      const { beta1, beta2 } = hyperparameters;
      const factors = stepFactors({ lr, weightDecay, bias1: bias(beta1), bias2: bias(beta2) });
      const inputs: RunInputs = {
        ...stateViews,
        patches: await toHost(patches),
        target: await toHost(target),
        codebook: { dtype: 'float32', shape: [config.codes, config.codeDim], data: rows },
        ...scalars({ ...factors, whole: 1 }),
        ...(maxGradientNorm === undefined ? {} : scalars({ limit: maxGradientNorm })),
      };
      const run = await compiledFor(update, inputs, Object.keys(stateViews));
      const outputs = await run.run(inputs, { into: stateViews });
      regions.step++;
      for (const { name } of slots) regions.updates.set(name, regions.step);
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
      const inputs = { ...parameterViews, patches: await toHost(patches) };
      const { z } = await (await compiledFor(encode, inputs)).run(inputs);
      return z!.data as Float32Array;
    },
    state: () => stateIn(regions, layout, compiler),
    async dispose() {
      for (const found of await Promise.allSettled(compiled.values())) {
        if (found.status === 'fulfilled') await found.value.dispose();
      }
      await disposeRegions(regions);
    },
  };
}

function scalars(values: Readonly<Record<string, number>>): Record<string, HostTensor> {
  return Object.fromEntries(Object.entries(values).map(([name, x]) => [name, hostScalar(x)]));
}

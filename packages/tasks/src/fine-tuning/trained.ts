import type { ParameterSpecs, Parameters } from '@imglish/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { type LoraOptions, loraSpecs, loraTargets, mergeLora } from './lora.js';
import { namesLike } from './names.js';

/** What of a model is tuned; by default all of it. */
export interface TuningOptions {
  /** Patterns of names of parameters that stay as they are; `*` stands for any characters. */
  freeze?: readonly string[];
  /** Only the head is tuned. */
  linearProbe?: boolean;
  /** The backbone stays, but for low-rank additions to some weights. */
  lora?: LoraOptions | undefined;
}

/** Which parameters are tuned, and how a model comes of them. */
export interface Tuning {
  /** Parameters beside those of the model, which begin fresh. */
  readonly added: ParameterSpecs;
  /** What stays as it is. */
  readonly frozen: ReadonlySet<string>;
  /** The parameters that the model runs on. */
  effective(parameters: Parameters): Parameters;
  /**
   * The finished model's. Tensors that are new are in `made`, to be disposed; the others are those of
   * `parameters`.
   */
  merged(parameters: Parameters): { parameters: Record<string, Tensor>; made: Tensor[] };
}

export function tuning(
  specs: ParameterSpecs,
  headNames: readonly string[],
  { freeze = [], linearProbe = false, lora }: TuningOptions,
): Tuning {
  const names = Object.keys(specs);
  const backbone = names.filter((name) => !headNames.includes(name));
  const frozen = new Set([
    ...namesLike('fineTune', names, freeze),
    ...(linearProbe || lora ? backbone : []),
  ]);
  const added = lora ? loraSpecs(specs, lora) : {};
  const merge = (parameters: Parameters) =>
    lora ? mergeLora(parameters, lora) : { ...parameters };
  const adapted = new Set(lora ? loraTargets(specs, lora) : []);
  return {
    added,
    frozen,
    effective: merge,
    merged(parameters) {
      const merged = merge(parameters);
      return { parameters: merged, made: [...adapted].map((name) => merged[name]!) };
    },
  };
}

import { ConfigError, ops, type ParameterSpecs, type Parameters, parameter } from '@imglish/core';
import type { Tensor, Tensor2D } from '@tensorflow/tfjs-core';
import { namesLike } from './names.js';

/**
 * Low-rank adaptation (Hu et al. 2021, arXiv 2106.09685): a weight W `[out, in]` is used as
 * W + (α / r) B A, with A `[r, in]` and B `[out, r]` learnt and W left alone. B begins with zeros, so
 * the model begins as it was.
 */
export interface LoraOptions {
  /** r. */
  rank: number;
  /** α; by default r, so that the factor is 1. */
  alpha?: number;
  /** Patterns of the weights that get one; by default the four projections of self-attention. */
  targets?: readonly string[];
}

const ATTENTION = ['beit3.encoder.layers.*.self_attn.*_proj*.weight'];

/** The weights that are adapted. */
export function loraTargets(specs: ParameterSpecs, { targets = ATTENTION }: LoraOptions): string[] {
  const names = [...namesLike('lora', Object.keys(specs), targets)];
  const wrong = names.find((name) => !name.endsWith('.weight') || specs[name]!.shape.length !== 2);
  if (wrong === undefined) return names;
  throw new ConfigError({
    code: 'config/lora',
    where: 'lora',
    expected: 'targets that are matrices, named ….weight',
    got: `${wrong} [${specs[wrong]!.shape.join(', ')}]`,
  });
}

/** `….lora_A` and `….lora_B` of each target, `…` being its name without `.weight`. */
export function loraSpecs(specs: ParameterSpecs, options: LoraOptions): ParameterSpecs {
  const { rank } = checked(options);
  return Object.fromEntries(
    loraTargets(specs, options).flatMap((name) => {
      const [rows, columns] = specs[name]!.shape as [number, number];
      return [
        [
          `${stem(name)}.lora_A`,
          { shape: [rank, columns], init: { kind: 'uniform', limit: columns ** -0.5 } },
        ],
        [`${stem(name)}.lora_B`, { shape: [rows, rank], init: { kind: 'zeros' } }],
      ] as const;
    }),
  );
}

/**
 * The parameters of the model that an adapted one stands for: W + (α / r) B A in the place of every W
 * that has an A and a B, which are left out. Other parameters are the same tensors. Differentiable.
 */
export function mergeLora(parameters: Parameters, options: LoraOptions): Record<string, Tensor> {
  const { rank, alpha } = checked(options);
  const merged: Record<string, Tensor> = {};
  for (const [name, value] of Object.entries(parameters)) {
    if (/\.lora_[AB]$/.test(name)) continue;
    const a = `${stem(name)}.lora_A`;
    if (!name.endsWith('.weight') || !parameters[a]) {
      merged[name] = value;
      continue;
    }
    const b = parameter(parameters, `${stem(name)}.lora_B`) as Tensor2D;
    const product = ops.matMul(b, parameters[a] as Tensor2D); // [out, in]
    merged[name] = ops.add(value, ops.mul(product, alpha / rank));
  }
  return merged;
}

function stem(name: string): string {
  return name.replace(/\.weight$/, '');
}

function checked({ rank, alpha = rank }: LoraOptions): { rank: number; alpha: number } {
  if (Number.isSafeInteger(rank) && rank >= 1 && alpha > 0 && alpha < Infinity) {
    return { rank, alpha };
  }
  throw new ConfigError({
    code: 'config/lora',
    where: 'lora',
    expected: 'a rank of at least 1 and a positive alpha',
    got: `rank ${rank}, alpha ${alpha}`,
  });
}

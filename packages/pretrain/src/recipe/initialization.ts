import type { Initializer, ParameterSpec, ParameterSpecs } from '@imglish/core';

/**
 * How parameters begin.
 *
 * `reference`: as the released code does. It was written for models whose weights are then loaded:
 * words begin 1 / √D as large as the positions they are added to, which hides them at first.
 *
 * `fan-in`: for training from nothing. Linear layers N(0, 1 / inputs), so that every layer keeps the
 * scale of what it reads (LeCun et al. 1998, "Efficient BackProp"); words N(0, 1), positions
 * N(0, 0.5²), so that both are seen from the first step. Everything else as in the reference.
 */
export type Initialization = 'reference' | 'fan-in';

export const INITIALIZATIONS: readonly Initialization[] = ['reference', 'fan-in'];

/** The same parameters, beginning as `initialization` says. */
export function withInitialization(
  specs: ParameterSpecs,
  initialization: Initialization,
): ParameterSpecs {
  if (initialization === 'reference') return specs;
  const entries = Object.entries(specs);
  return Object.fromEntries(
    entries.map(([name, spec]) => [name, { ...spec, init: fanIn(name, spec) }]),
  );
}

function fanIn(name: string, { shape, init }: ParameterSpec): Initializer {
  if (name === 'beit3.text_embed.weight') return { kind: 'normal', std: 1 };
  if (name.includes('.embed_positions.')) return { kind: 'normal', std: 0.5 };
  // Only the weights of linear layers begin with a truncated normal.
  if (init.kind === 'truncatedNormal') return { kind: 'normal', std: shape[1]! ** -0.5 };
  return init;
}

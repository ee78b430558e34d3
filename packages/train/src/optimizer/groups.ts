import { ConfigError } from '@imglish/core';

/** What AdamW does differently for one parameter. */
export interface ParameterGroup {
  /** Its learning rate is the schedule's times this. */
  lrScale: number;
  /** Decoupled weight decay λ: each update first multiplies the parameter by 1 − lr·λ. */
  weightDecay: number;
}

/** The group of every parameter, by name. */
export type ParameterGroups = Readonly<Record<string, ParameterGroup>>;

export interface ParameterGroupOptions {
  weightDecay: number;
  /** Layers of the encoder; needed for a `layerDecay` other than 1. */
  layers?: number;
  /** Factor per layer of depth, in (0, 1]: lrScale = layerDecay^(layers + 1 − layer id). */
  layerDecay?: number;
  /** lrScale of parameters whose name starts with `head`, at least 1; only with a `layerDecay` of 1. */
  taskHeadLrWeight?: number;
  /** Names that never decay, besides biases and everything one-dimensional. */
  noDecay?: readonly string[];
}

/** What BEiT-3 exempts from weight decay by name. */
export const BEIT3_NO_DECAY: readonly string[] = [
  'beit3.encoder.embed_positions.A.weight',
  'beit3.vision_embed.cls_token',
  'logit_scale',
];

/**
 * Learning-rate scale and weight decay of every parameter, as BEiT-3 is fine-tuned.
 *
 * One-dimensional parameters, names ending in `.bias` and `noDecay` have no weight decay.
 * Reference: beit3/optim_factory.py, run_beit3_finetuning.py 295–302.
 *
 * @throws ConfigError `train/groups` where options are out of range, missing or contradict each other.
 */
export function parameterGroups(
  parameters: Readonly<Record<string, { readonly shape: readonly number[] }>>,
  {
    weightDecay,
    layers,
    layerDecay = 1,
    taskHeadLrWeight = 1,
    noDecay = BEIT3_NO_DECAY,
  }: ParameterGroupOptions,
): ParameterGroups {
  const check = checker('parameterGroups');
  check('weightDecay of at least 0', weightDecay >= 0 && weightDecay < Infinity, weightDecay);
  check('layerDecay in (0, 1]', layerDecay > 0 && layerDecay <= 1, layerDecay);
  check('taskHeadLrWeight of at least 1', taskHeadLrWeight >= 1, taskHeadLrWeight);
  check(
    'taskHeadLrWeight or layerDecay, not both',
    taskHeadLrWeight === 1 || layerDecay === 1,
    `${taskHeadLrWeight} and ${layerDecay}`,
  );
  check('layers together with layerDecay', layerDecay === 1 || layers !== undefined, layers);
  const scale = (name: string): number => {
    if (layerDecay < 1) return layerDecay ** (layers! + 1 - layerId(name, layers!));
    return name.startsWith('head') ? taskHeadLrWeight : 1;
  };
  return Object.fromEntries(
    Object.entries(parameters).map(([name, { shape }]) => {
      const exempt = shape.length === 1 || name.endsWith('.bias') || noDecay.includes(name);
      return [name, { lrScale: scale(name), weightDecay: exempt ? 0 : weightDecay }];
    }),
  );
}

/**
 * Depth of a parameter: 0 for embeddings (any name with `embed`), i + 1 for `layers.i`, and
 * layers + 1 for everything after the encoder's layers. Reference: beit3/optim_factory.py 14–30.
 *
 * @throws ConfigError `train/groups` for a layer that the model does not have.
 */
export function layerId(name: string, layers: number): number {
  if (name.includes('embed')) return 0;
  const match = /layers\.(\d+)\./.exec(name);
  if (!match) return layers + 1;
  const layer = Number(match[1]);
  checker('layerId')(`a layer below ${layers}`, layer < layers, name);
  return layer + 1;
}

function checker(where: string): (expected: string, ok: boolean, got: unknown) => void {
  return (expected, ok, got) => {
    if (!ok) throw new ConfigError({ code: 'train/groups', where, expected, got: String(got) });
  };
}

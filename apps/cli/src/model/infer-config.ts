import {
  CheckpointError,
  type HeadJson,
  type ModelJson,
  modelConfig,
  PRESET_NAMES,
  preset,
} from '@imglish/core';
import { MASKED_DATA_MODELLING } from '@imglish/pretrain';
import { BACKBONE } from './head-specs.js';

/** Shapes by tensor name, as a weights file has them. */
export type Shapes = ReadonlyMap<string, { readonly shape: readonly number[] }>;

/**
 * Reads a model's configuration off the names and shapes of its weights. What they do not tell is
 * the number of attention heads: a preset of the same width gives it, or `heads` does.
 *
 * Throws `checkpoint/not-beit3` where a tensor of BEiT-3 is missing.
 */
export function inferModel(shapes: Shapes, file: string, heads?: number): ModelJson {
  const at = (name: string): readonly number[] => {
    const tensor = shapes.get(name);
    if (tensor) return tensor.shape;
    throw new CheckpointError({
      code: 'checkpoint/not-beit3',
      where: 'inferModel',
      expected: `the tensors of a BEiT-3 model in ${file}`,
      got: `no ${name} among ${shapes.size} tensors`,
    });
  };
  const names = [...shapes.keys()];
  const [vocabularySize, dim] = at('beit3.text_embed.weight') as [number, number];
  const patchSize = at('beit3.vision_embed.proj.weight')[2]!;
  const side = Math.sqrt(at('beit3.encoder.embed_positions.A.weight')[0]! - 3) * patchSize;
  const layers =
    1 + Math.max(...names.map((name) => Number(/layers\.(\d+)\./.exec(name)?.[1] ?? -1)));
  const shared = shapes.has('beit3.encoder.layers.0.self_attn.q_proj.weight');
  const fusing = names.filter((name) => name.endsWith('.ffn.VL.fc1.weight')).length;
  const head = inferHead(shapes);
  const withoutNorm = [
    'image-classification',
    'visual-question-answering',
    'text-classification',
  ].includes(head.task);
  return {
    model: modelConfig({
      imageSize: [side, side],
      patchSize,
      vocabularySize,
      dim,
      heads: heads ?? headsOfWidth(dim),
      ffnDim: at('beit3.encoder.layers.0.ffn.A.fc1.weight')[0]!,
      layers,
      variant: shared ? 'paper' : 'released',
      fusionLayers: fusing,
      maxTextPositions: at('beit3.encoder.embed_positions.B.weight')[0]!,
      normalizeOutput: !withoutNorm && shapes.has('beit3.encoder.layer_norm.A.weight'),
    }),
    head,
  };
}

function headsOfWidth(dim: number): number {
  const known = PRESET_NAMES.map(preset).find((config) => config.dim === dim);
  if (known) return known.heads;
  throw new CheckpointError({
    code: 'checkpoint/heads',
    where: 'inferModel',
    expected: `a width of ${PRESET_NAMES.map((name) => preset(name).dim).join(', ')}`,
    got: String(dim),
    fix: 'Weights do not tell how many attention heads there are: give --heads.',
  });
}

function inferHead(shapes: Shapes): HeadJson {
  const rows = (name: string) => shapes.get(name)?.shape[0];
  const codes = rows('mim_head.weight');
  if (codes) return { task: MASKED_DATA_MODELLING, options: { codes } };
  const classes = rows('head.dense2.weight');
  if (classes) return { task: 'visual-reasoning', options: { classes } };
  const answers = rows('head.3.weight');
  if (answers) return { task: 'visual-question-answering', options: { answers } };
  const labels = rows('head.weight');
  if (labels) return { task: 'image-classification', options: { classes: labels } };
  const textClasses = rows('text_head.weight');
  if (textClasses) return { task: 'text-classification', options: { classes: textClasses } };
  if (rows('vision_head.weight')) return { task: 'image-text-retrieval', options: {} };
  if (rows('mlm_head.weight')) return { task: 'image-captioning', options: {} };
  return { task: BACKBONE, options: {} };
}

import { readFileSync } from 'node:fs';
import { backboneSpecs, dropPathRates, type ModelConfig, preset } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { tasks } from './index.js';

interface Factory {
  img_size: number;
  normalize_output: boolean;
  state_dict_tensors: number;
  parameters: number;
  'embed_positions.A.weight': number[];
  has_final_layer_norm: boolean;
  'drop_path_probs_at_rate_0.1': (number | '...')[];
  other_tensors: Record<string, number[]>;
}

const file = new URL('../../../fixtures/golden/official_state_dicts.json', import.meta.url);
const { factories }: { factories: Record<string, Factory> } = JSON.parse(
  readFileSync(file, 'utf8'),
);

/** What the end of a factory's name stands for. */
const HEADS = {
  imageclassification: (config: ModelConfig) => ({
    task: tasks.imageClassification,
    head: tasks.imageClassification.headSpecs(config, { classes: 1000 }),
  }),
  nlvr2: (config: ModelConfig) => ({
    task: tasks.visualReasoning,
    head: tasks.visualReasoning.headSpecs(config, { classes: 2 }),
  }),
  vqav2: (config: ModelConfig) => ({
    task: tasks.visualQuestionAnswering,
    head: tasks.visualQuestionAnswering.headSpecs(config, { answers: 3129 }),
  }),
  captioning: (config: ModelConfig) => ({
    task: tasks.imageCaptioning,
    head: tasks.imageCaptioning.headSpecs(config, {}),
  }),
  retrieval: (config: ModelConfig) => ({
    task: tasks.imageTextRetrieval,
    head: tasks.imageTextRetrieval.headSpecs(config, {}),
  }),
};

describe.each(Object.entries(factories))('%s', (name, official) => {
  const [, size, pixels, ending] = /^beit3_(base|large)_patch16_(\d+)_(\w+)$/.exec(name)!;
  const side = Number(pixels);
  const plain: ModelConfig = { ...preset(size as 'base' | 'large'), imageSize: [side, side] };
  const { task, head } = HEADS[ending as keyof typeof HEADS](plain);
  const config = { ...plain, normalizeOutput: task.normalizeOutput };
  const backbone = backboneSpecs(config);
  const all = { ...backbone, ...head };

  it('has as many tensors and parameters', () => {
    expect(side).toBe(official.img_size);
    expect(Object.keys(all).length).toBe(official.state_dict_tensors);
    const count = Object.values(all).reduce(
      (total, { shape }) => total + shape.reduce((product, n) => product * n, 1),
      0,
    );
    expect(count).toBe(official.parameters);
  });

  it('has the head, with its names and shapes', () => {
    const shapes = Object.fromEntries(
      Object.entries(head).map(([k, { shape }]) => [k, [...shape]]),
    );
    expect(shapes).toEqual(official.other_tensors);
    expect(Object.keys(head)).toEqual(Object.keys(official.other_tensors));
  });

  it('has positions for its grid, and a norm at the end or none', () => {
    expect(backbone['beit3.encoder.embed_positions.A.weight']!.shape).toEqual(
      official['embed_positions.A.weight'],
    );
    expect(task.normalizeOutput).toBe(official.normalize_output);
    expect('beit3.encoder.layer_norm.A.weight' in backbone).toBe(official.has_final_layer_norm);
  });

  it('drops paths at the rates of the reference', () => {
    const rates = dropPathRates({ ...config, dropPathRate: 0.1 });
    const shown = official['drop_path_probs_at_rate_0.1'].filter((p) => p !== '...');
    shown.forEach((rate, layer) => {
      expect(rates[layer]).toBeCloseTo(rate, 6);
    });
    expect(rates.at(-1)).toBe(0.1);
  });
});

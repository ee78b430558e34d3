import {
  backboneSpecs,
  dropPathRates,
  type ModelConfig,
  type PresetName,
  preset,
} from '@imglish/core';
import { tasks } from '@imglish/tasks';
import type { Report } from './report.js';
import type { Suite } from './suite.js';

const PATH = 'official_state_dicts.json';

interface OfficialJson {
  /** `base`: shapes by name; `base_config`: settings by name. */
  backbone: Record<string, Record<string, unknown>>;
  factories: Record<string, Factory>;
}

interface Factory {
  img_size: number;
  normalize_output: boolean;
  state_dict_tensors: number;
  parameters: number;
  'embed_positions.A.weight': number[];
  'drop_path_probs_at_rate_0.1': (number | string)[];
  other_tensors: Record<string, number[]>;
}

/** The official models by name and shape, read off this project's presets and heads. */
export const officialNames: Suite = {
  name: 'official names and shapes',
  covers: (path) => path === PATH,
  async run(set, report) {
    const json = await set.json<OfficialJson>(PATH);
    for (const [key, expected] of Object.entries(json.backbone)) {
      const size = key.replace('_config', '');
      if (key !== size) {
        const ours = officialConfig(preset(size as PresetName));
        const theirs = Object.keys(ours).map((name) => [name, expected[name]]);
        report.equal(PATH, `configuration of ${size}`, Object.entries(ours), theirs);
        continue;
      }
      const specs = backboneSpecs(preset(size as PresetName));
      const layerZero = Object.entries(specs).filter(([name]) => !/layers\.[1-9]/.test(name));
      const actual = layerZero.map(([name, { shape }]) => [name, shape]);
      report.equal(PATH, `backbone of ${size}, in order`, actual, Object.entries(expected));
    }
    for (const [name, factory] of Object.entries(json.factories)) {
      checkFactory(report, name, factory);
    }
  },
};

/** A preset in the words of the official configuration. */
function officialConfig(config: ModelConfig): Record<string, unknown> {
  return {
    encoder_embed_dim: config.dim,
    encoder_attention_heads: config.heads,
    encoder_ffn_embed_dim: config.ffnDim,
    encoder_layers: config.layers,
    patch_size: config.patchSize,
    max_source_positions: config.maxTextPositions,
    layernorm_eps: config.layerNormEpsilon,
    vocab_size: config.vocabularySize,
  };
}

/** The task that a factory's name ends with, and how many outputs its head has. */
function headOf(name: string, others: Record<string, number[]>) {
  if (name.endsWith('imageclassification')) {
    const classes = others['head.weight']![0]!;
    return { task: tasks.imageClassification, options: { classes } };
  }
  if (name.endsWith('nlvr2')) {
    return { task: tasks.visualReasoning, options: { classes: others['head.dense2.weight']![0]! } };
  }
  if (name.endsWith('vqav2')) {
    const answers = others['head.3.weight']![0]!;
    return { task: tasks.visualQuestionAnswering, options: { answers } };
  }
  if (name.endsWith('captioning')) return { task: tasks.imageCaptioning, options: {} };
  if (name.endsWith('retrieval')) return { task: tasks.imageTextRetrieval, options: {} };
  return undefined;
}

function checkFactory(report: Report, name: string, factory: Factory): void {
  const head = headOf(name, factory.other_tensors);
  const size = /_(base|large)_/.exec(name)?.[1] as PresetName | undefined;
  if (!head || !size) {
    report.check(PATH, name, false, 'no such task or preset');
    return;
  }
  const { task, options } = head;
  report.equal(PATH, `${name} final norm`, task.normalizeOutput, factory.normalize_output);
  const config = {
    ...preset(size),
    imageSize: [factory.img_size, factory.img_size] as [number, number],
    normalizeOutput: task.normalizeOutput,
    dropPathRate: 0.1,
  };
  const headSpecs = task.headSpecs(config, options as never);
  const specs = { ...backboneSpecs(config), ...headSpecs };
  const shapes = Object.entries(headSpecs).map(([key, { shape }]) => [key, shape]);
  report.equal(PATH, `${name} head`, shapes.sort(), Object.entries(factory.other_tensors).sort());
  report.equal(PATH, `${name} tensors`, Object.keys(specs).length, factory.state_dict_tensors);
  const parameters = Object.values(specs).reduce(
    (total, { shape }) => total + shape.reduce((product, n) => product * n, 1),
    0,
  );
  report.equal(PATH, `${name} parameters`, parameters, factory.parameters);
  report.equal(
    PATH,
    `${name} positions`,
    specs['beit3.encoder.embed_positions.A.weight']!.shape,
    factory['embed_positions.A.weight'],
  );
  const rates = factory['drop_path_probs_at_rate_0.1'].filter((rate) => typeof rate === 'number');
  const ours = dropPathRates(config).slice(0, rates.length);
  const shape = [rates.length];
  report.close(PATH, `${name} drop path`, { shape, values: ours }, { shape, values: rates }, 5e-7);
}

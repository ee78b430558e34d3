import { ops, type Parameters, type TensorMap } from '@imglish/core';
import { nearestCodes, vqKdEncode } from '@imglish/tokenizers';
import type { Scalar, Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import type { Engine } from '../engine.js';
import { type FixtureFile, type FixtureSet, integers, parametersOf } from '../fixture-set.js';
import { compareGradients, gradientsOf, lossAndGradients } from '../gradients.js';
import type { Report } from '../report.js';
import type { Suite } from '../suite.js';
import { type MaskedImageConfig, maskedImageModel, relativeIndex } from './masked-image-model.js';
import { configOf, cut, patchesOf, settingsOf, shaped } from './set.js';
import { loadWeights } from './tokenizer.js';

const INDEX = 'rel_pos_bias.relative_position_index';
const MODELS = ['plain', 'cls'] as const;
type Model = (typeof MODELS)[number];

const pathOf = (model: Model, what: string): string => `mim/${model}_${what}.safetensors`;
const PATHS = MODELS.flatMap((model) =>
  ['weights', 'forward', 'grads'].map((what) => pathOf(model, what)),
);

interface MaskedSettings {
  heads: number;
  grid: number;
  mim_depth: number;
  early_layers: number;
  head_layers: number;
}

interface Given {
  report: Report;
  engine: Engine;
  model: Model;
  config: MaskedImageConfig;
  file: FixtureFile;
  /** Loss of the log, and its parts. */
  losses: { loss: number; parts: number[] };
}

/** BEiT v2's masked image modelling on VQ-KD's codes: codes as labels, both models, their gradients. */
export const maskedImages: Suite = {
  name: 'masked images',
  covers: (path) => PATHS.includes(path),
  async run(set, report, engine) {
    const settings = (await set.json<{ config: MaskedSettings }>('README.json')).config;
    const json = await set.json<Record<string, Given['losses']>>('losses.json');
    for (const model of MODELS.filter((name) => set.has(pathOf(name, 'forward')))) {
      const config: MaskedImageConfig = {
        ...{ heads: settings.heads, layers: settings.mim_depth, grid: settings.grid },
        ...(model === 'cls' && {
          earlyLayers: settings.early_layers,
          headLayers: settings.head_layers,
        }),
      };
      const file = await set.tensors(pathOf(model, 'forward'));
      const given = { report, engine, model, config, file, losses: json[`mim_${model}`]! };
      await checkCodes(set, given);
      await checkModel(set, given);
    }
  },
};

/** The labels are the tokenizer's codes of the masked patches, image by image. */
async function checkCodes(set: FixtureSet, { report, engine, model, file }: Given): Promise<void> {
  const path = pathOf(model, 'forward');
  const config = configOf(await settingsOf(set));
  const patches = patchesOf(file['in.image_for_tokenizer']!, config.patchSize);
  await engine.withParameters(await loadWeights(set, config), async (executor) => {
    const { codes } = await executor.run(
      function encode({ patches }, parameters) {
        const z = ops.l2Normalize(vqKdEncode(parameters, config, patches as Tensor3D));
        const codebook = parameters['quantize.embedding.weight'] as Tensor2D;
        return { codes: nearestCodes(z as Tensor2D, codebook) };
      },
      { patches },
    );
    report.equal(path, 'codes', [...codes!.data], [...file['out.codes']!.values]);
    const mask = file['in.bool_masked_pos']!.values;
    const labels = [...codes!.data].filter((_, i) => mask[i] === 1);
    report.equal(path, 'labels', labels, [...file['out.labels']!.values]);
  });
}

async function checkModel(
  set: FixtureSet,
  { report, engine, model, config, file, losses }: Given,
): Promise<void> {
  const path = pathOf(model, 'forward');
  const { [INDEX]: stored, ...weights } = await set.tensors(pathOf(model, 'weights'));
  const index = relativeIndex(config.grid);
  report.equal(pathOf(model, 'weights'), INDEX, [...index], [...stored!.values]);
  const image = file['in.image']!;
  const [batch, , height, width] = image.shape as [number, number, number, number];
  const { values: masked } = file['in.bool_masked_pos']!;
  const positions = Int32Array.from([...masked.keys()].filter((i) => masked[i] === 1));
  const { patch_size: patchSize } = await settingsOf(set);
  const inputs = {
    patches: cut(image.values, [batch, height, width], patchSize),
    mask: {
      ...{ dtype: 'float32' as const, shape: [batch, masked.length / batch] },
      data: Float32Array.from(masked),
    },
    index: { dtype: 'int32' as const, shape: [index.length], data: index },
    positions: { dtype: 'int32' as const, shape: [positions.length], data: positions },
    labels: integers(file['out.labels']!),
  };
  const used = new Set<string>();
  const forward = (given: TensorMap, parameters: Parameters) => {
    const shown: Record<string, Tensor> = {};
    const watched = new Proxy(parameters, {
      get(target, name) {
        used.add(String(name));
        return target[String(name)];
      },
    });
    const all = maskedImageModel(
      watched,
      config,
      given.patches as Tensor3D,
      given.mask as Tensor2D,
      given.index as Tensor1D,
      (name, tensor) => {
        shown[name] = tensor;
      },
    );
    const parts = all.map((logits, branch) => {
      const flat = ops.reshape(logits, [-1, logits.shape[2]!]) as Tensor2D;
      const rows = ops.gatherRows(flat, given.positions as Tensor1D);
      shown[`all_logits.${branch}`] = logits;
      shown[`logits.${branch}`] = rows;
      const labels = given.labels as Tensor1D;
      const costs = ops.crossEntropy(rows, labels, ops.onesLike(ops.cast(labels, 'float32')));
      const loss = ops.mean(costs) as Scalar;
      shown[`loss.${branch}`] = loss;
      return loss;
    });
    const loss = parts.reduce((sum, part) => ops.add(sum, part) as Scalar);
    return { shown, loss };
  };
  await engine.withParameters(parametersOf(weights), async (executor) => {
    const outputs = await executor.run(function look(given, parameters) {
      const { shown, loss } = forward(given, parameters);
      return { ...shown, loss };
    }, inputs);
    for (const [name, expected] of Object.entries(file)) {
      if (!name.startsWith('out.') || ['out.codes', 'out.labels'].includes(name)) continue;
      const output = outputs[name.slice('out.'.length)];
      if (!output) report.check(path, name, false, 'not computed');
      else report.output(path, name, shaped(output, expected.shape), expected);
    }
    report.loss('losses.json', `mim_${model} loss`, outputs.loss!.data[0]!, losses.loss);
    losses.parts.forEach((part, i) => {
      report.loss('losses.json', `mim_${model} ${i}`, outputs[`loss.${i}`]!.data[0]!, part);
    });
    const differentiate = lossAndGradients((given, parameters) => forward(given, parameters).loss);
    const gradients = gradientsOf(await executor.run(differentiate, inputs));
    const reference = await set.tensors(pathOf(model, 'grads'));
    compareGradients(
      report,
      pathOf(model, 'grads'),
      gradients,
      reference,
      engine.gradientTolerance,
    );
  });
  const names = Object.keys(weights).sort();
  report.equal(pathOf(model, 'weights'), 'names', [...used].sort(), names);
}

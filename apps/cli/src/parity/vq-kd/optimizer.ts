import { disposeAll } from '@imglish/core';
import { clipInput, disposeVqKdState, type VqKdState, vqKdStep } from '@imglish/pretrain';
import {
  isLearntByGradient,
  VQ_KD_NO_DECAY,
  type VqKdConfig,
  vqKdPixels,
  vqKdSpecs,
} from '@imglish/tokenizers';
import { parameterGroups } from '@imglish/train';
import { matMul, reshape, type Tensor3D, tensor, tidy, transpose } from '@tensorflow/tfjs-core';
import { type FixtureSet, type FixtureTensor, parametersOf } from '../fixture-set.js';
import type { Report } from '../report.js';
import type { Suite } from '../suite.js';
import { configOf, cut, patchesOf, settingsOf, WEIGHTS } from './set.js';

const STEPS = 'optim/steps.json';
const INPUTS = 'optim/inputs.safetensors';
const AFTER = 'optim/after_3_steps.safetensors';

interface StepsJson {
  optimizer: { lr: number; betas: [number, number]; eps: number; weight_decay: number };
  groups: { weight_decay: number; names: string[] }[];
  steps: Record<string, number>[];
}

/** Parameter groups, and whole training steps, op by op whatever the engine. */
export const vqKdOptimizer: Suite = {
  name: 'optimizer',
  covers: (path) => [STEPS, INPUTS, AFTER].includes(path),
  async run(set, report) {
    const settings = await settingsOf(set);
    const config = configOf(settings);
    const json = await set.json<StepsJson>(STEPS);
    checkGroups(report, config, json);
    await checkSteps(set, report, config, json, settings.decay);
  },
};

function checkGroups(report: Report, config: VqKdConfig, json: StepsJson): void {
  const specs = Object.entries(vqKdSpecs(config)).filter(([name]) => isLearntByGradient(name));
  const { weight_decay: weightDecay } = json.optimizer;
  const groups = parameterGroups(Object.fromEntries(specs), {
    weightDecay,
    noDecay: VQ_KD_NO_DECAY,
  });
  for (const { weight_decay: decay, names } of json.groups) {
    const ours = Object.keys(groups).filter((name) => groups[name]!.weightDecay === decay);
    report.equal(STEPS, `weight decay ${decay}`, ours.sort(), names.toSorted());
  }
}

async function checkSteps(
  set: FixtureSet,
  report: Report,
  config: VqKdConfig,
  { optimizer, steps }: StepsJson,
  decay: number,
): Promise<void> {
  const weights = await set.tensors(WEIGHTS);
  const inputs = await set.tensors(INPUTS);
  const learnt = Object.keys(vqKdSpecs(config)).filter(isLearntByGradient);
  const state: VqKdState = {
    step: 0,
    parameters: parametersOf(Object.fromEntries(learnt.map((name) => [name, weights[name]!]))),
    moments: {},
    codebook: {
      codes: config.codes,
      codeDim: config.codeDim,
      rows: weights['quantize.embedding.weight']!.values.slice(),
      clusterSize: weights['quantize.cluster_size']!.values.slice(),
    },
  };
  const [beta1, beta2] = optimizer.betas;
  const options = {
    ...{ lr: optimizer.lr, weightDecay: optimizer.weight_decay },
    ...{ beta1, beta2, epsilon: optimizer.eps, decay },
  };
  try {
    for (const [step, expected] of steps.entries()) {
      const image = inputs[`in.image.${step}`]!;
      const batch = {
        patches: patches(image, config),
        target: stubTeacher(image, weights, config),
      };
      const metrics = await vqKdStep(state, config, batch, options);
      disposeAll(batch);
      const codes = [...inputs[`out.codes.${step}`]!.values];
      report.equal(INPUTS, `codes ${step}`, [...metrics.codes], codes);
      const { distillation, commitment, gradientNorm } = metrics;
      report.loss(STEPS, `rec_loss ${step}`, distillation, expected['train/rec_loss']!);
      report.loss(STEPS, `quant_loss ${step}`, commitment, expected['train/quant_loss']!);
      // Earlier steps amplify rounding, as they do the parameters'.
      const norm = expected.grad_norm!;
      const off = Math.abs(gradientNorm - norm);
      report.check(STEPS, `gradient norm ${step}`, off < 1e-4 * norm, `${gradientNorm}, ${norm}`);
    }
    // AdamW divides by the root of tiny second moments: in float32 and float64 the reference's own
    // parameters differ by up to 6e-5.
    const after = await set.tensors(AFTER);
    for (const [name, expected] of Object.entries(after)) {
      const actual = state.parameters[name]
        ? await state.parameters[name].data()
        : codebookTensor(name, state, weights);
      report.close(AFTER, name, { shape: expected.shape, values: actual }, expected, 2e-4);
    }
  } finally {
    disposeVqKdState(state);
  }
}

/** A tensor of the codebook; those that training leaves alone are as they were. */
function codebookTensor(
  name: string,
  { codebook }: VqKdState,
  weights: Record<string, FixtureTensor>,
): Float32Array {
  if (name === 'quantize.embedding.weight') return codebook.rows;
  if (name === 'quantize.cluster_size') return codebook.clusterSize;
  return weights[name]!.values;
}

function patches(image: FixtureTensor, { patchSize }: VqKdConfig): Tensor3D {
  const { shape, data } = patchesOf(image, patchSize);
  return tensor(data as Float32Array, shape as [number, number, number]);
}

/** The teacher of the fixtures: a linear map of each patch of CLIP's input, times a projection. */
function stubTeacher(
  { values, shape }: FixtureTensor,
  weights: Record<string, FixtureTensor>,
  { patchSize }: VqKdConfig,
): Tensor3D {
  const [batch, , height, width] = shape as [number, number, number, number];
  const pixels = clipInput(vqKdPixels(values), height * width);
  const cuts = cut(pixels, [batch, height, width], patchSize);
  return tidy(() => {
    const kernel = weights['teacher_model.visual.conv1.weight']!; // [W, 3, p, p]
    const projection = weights['teacher_model.visual.proj']!; // [W, T]
    const rows = tensor(cuts.data as Float32Array, [
      cuts.shape[0]! * cuts.shape[1]!,
      cuts.shape[2]!,
    ]);
    const map = tensor(kernel.values, [kernel.shape[0]!, cuts.shape[2]!]);
    const features = matMul(rows, transpose(map));
    const target = matMul(features, tensor(projection.values, [...projection.shape]));
    return reshape(target, [batch, -1, projection.shape[1]!]) as Tensor3D;
  });
}

import {
  bytesSource,
  type HostTensor,
  type HostTensorMap,
  loadCheckpoint,
  loadTensors,
  openCheckpoint,
  type Parameters,
  type TensorMap,
} from '@imglish/core';
import { clipInput } from '@imglish/pretrain';
import {
  isLearntByGradient,
  quantize,
  squaredDistances,
  VQ_KD_IGNORED,
  type VqKdConfig,
  vqKd,
  vqKdDecode,
  vqKdLosses,
  vqKdPixels,
  vqKdSpecs,
} from '@imglish/tokenizers';
import {
  add,
  mul,
  type Scalar,
  scalar,
  type Tensor,
  type Tensor2D,
  type Tensor3D,
} from '@tensorflow/tfjs-core';
import type { Engine } from '../engine.js';
import { type FixtureSet, floats } from '../fixture-set.js';
import { compareGradients, gradientsOf, lossAndGradients } from '../gradients.js';
import type { Report, Values } from '../report.js';
import type { Suite } from '../suite.js';
import { configOf, patchesOf, settingsOf, shaped, vectorsOf, WEIGHTS } from './set.js';

export const FORWARD = 'forward_eval.safetensors';
const TRAIN = 'forward_train.safetensors';
const GRADIENTS = 'grads/vqkd.safetensors';
const PIXELS = 'pre_process.safetensors';
const LOSSES = 'losses.json';

/** Every intermediate result of the tokenizer, its losses, its gradients. */
export const vqKdTokenizer: Suite = {
  name: 'tokenizer',
  covers: (path) => [FORWARD, TRAIN, GRADIENTS, PIXELS, LOSSES].includes(path),
  async run(set, report, engine) {
    const config = configOf(await settingsOf(set));
    await checkPixels(set, report);
    await checkForward(set, report, engine, config);
    await checkGradients(set, report, engine, config);
    await checkTrainForward(set, report, engine, config);
  },
};

/** All tensors of the weights that are the tokenizer's; the caller owns them. */
export async function loadWeights(
  set: FixtureSet,
  config: VqKdConfig,
): Promise<Record<string, Tensor>> {
  const file = await openCheckpoint(bytesSource(await set.bytes(WEIGHTS), WEIGHTS));
  const specs = vqKdSpecs(config);
  return loadTensors(loadCheckpoint(file, { specs, ignores: VQ_KD_IGNORED }));
}

async function checkPixels(set: FixtureSet, report: Report): Promise<void> {
  const file = await set.tensors(PIXELS);
  for (const [name, { shape, values }] of Object.entries(file)) {
    const [, which] = /^in\.(\w+)$/.exec(name) ?? [];
    const expected = which && file[`out.${which}.default`];
    if (!expected) continue;
    report.close(PIXELS, which, { shape, values: vqKdPixels(values) }, expected, 1e-6);
  }
}

/** The reference's names of the losses, in the log and in the tensors. */
const LOSS_NAMES = { quant: 'emb_loss', rec: 'rec_loss', total: 'loss' };

interface LossesJson {
  forward_eval: Record<string, number>;
  forward_train: Record<string, number | string[]>;
}

/** Means, as the reference has them. */
function losses(output: { prediction: Tensor3D; commitment: Scalar }, target: Tensor3D) {
  const { distillation, commitment, count } = vqKdLosses(output, target);
  const [rec_loss, emb_loss] = [mul(distillation, 1 / count), mul(commitment, 1 / count)];
  return { rec_loss, emb_loss, loss: add(rec_loss, emb_loss) as Scalar };
}

async function checkForward(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  config: VqKdConfig,
): Promise<void> {
  const file = await set.tensors(FORWARD);
  const { shape, values } = file['in.image']!;
  const pixels = vqKdPixels(values);
  report.close(
    FORWARD,
    'pre_processed',
    { shape, values: pixels },
    file['out.pre_processed']!,
    1e-6,
  );
  const teacherInput = { shape, values: clipInput(pixels, shape[2]! * shape[3]!) };
  report.output(FORWARD, 'teacher_input', teacherInput, file['out.teacher_input']!);
  const inputs = {
    patches: patchesOf(file['in.image']!, config.patchSize),
    target: floats(file['out.teacher_target']!),
  };
  const outputs = await forwardOf(set, engine, config, inputs);
  for (const [name, output] of Object.entries(outputs)) {
    const expected = file[`out.${name}`];
    if (!expected) report.check(FORWARD, name, false, 'not in the fixtures');
    else if (name === 'codes') report.equal(FORWARD, name, [...output.data], [...expected.values]);
    else if (name === 'quantized') {
      const { shape, data } = vectorsOf(expected);
      report.output(
        FORWARD,
        name,
        { shape: output.shape, values: output.data },
        { shape, values: data },
      );
    } else report.output(FORWARD, name, shaped(output, expected.shape), expected);
  }
  const json = await set.json<LossesJson>(LOSSES);
  for (const [name, output] of Object.entries(LOSS_NAMES)) {
    const value = outputs[output]!.data[0]!;
    report.loss(LOSSES, `val/${name}_loss`, value, json.forward_eval[`val/${name}_loss`]!);
  }
}

/** Every tensor of a forward pass that the fixtures may name. */
export async function forwardOf(
  set: FixtureSet,
  engine: Engine,
  config: VqKdConfig,
  inputs: HostTensorMap,
): Promise<HostTensorMap> {
  return engine.withParameters(await loadWeights(set, config), (executor) =>
    executor.run(function forward({ patches, target }, parameters) {
      const shown: Record<string, Tensor> = {};
      const probe = (name: string, tensor: Tensor): void => {
        shown[name] = tensor;
      };
      const output = vqKd(parameters, config, patches as Tensor3D, probe);
      const codebook = parameters['quantize.embedding.weight'] as Tensor2D;
      return {
        ...shown,
        to_quantizer_features: output.vectors,
        z: output.z,
        distances: squaredDistances(output.z, codebook),
        codes: output.codes,
        quantized: output.quantized,
        rec: output.prediction,
        ...losses(output, target as Tensor3D),
      };
    }, inputs),
  );
}

async function checkGradients(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  config: VqKdConfig,
): Promise<void> {
  const forward = await set.tensors(FORWARD);
  const inputs = {
    patches: patchesOf(forward['in.image']!, config.patchSize),
    target: floats(forward['out.teacher_target']!),
  };
  const differentiate = lossAndGradients(
    ({ patches, target }, parameters) =>
      losses(vqKd(parameters, config, patches as Tensor3D), target as Tensor3D).loss,
  );
  const outputs = await engine.withParameters(await loadWeights(set, config), (executor) =>
    executor.run(differentiate, inputs),
  );
  const gradients = gradientsOf(outputs);
  const expected = await set.tensors(GRADIENTS);
  compareGradients(report, GRADIENTS, gradients, expected, engine.gradientTolerance);
  const { forward_train: json } = await set.json<LossesJson>(LOSSES);
  const without = Object.keys(vqKdSpecs(config)).filter((name) => !gradients[name]);
  const frozen = without.filter((name) => (json.params_without_grad as string[]).includes(name));
  report.equal(LOSSES, 'only the codebook has no gradient', without.filter(isLearntByGradient), []);
  report.equal(LOSSES, 'parameters without gradient', frozen.length, 3);
  report.loss(LOSSES, 'gradient norm', outputs.norm!.data[0]!, json.grad_norm as unknown as number);
}

/** Gradients at the quantizer's two ends and at the prediction, of each loss and both. */
async function checkTrainForward(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  config: VqKdConfig,
): Promise<void> {
  const file = await set.tensors(TRAIN);
  const forward = await set.tensors(FORWARD);
  const start: HostTensorMap = {
    to_quantizer_features: vectors(forward['out.to_quantizer_features']!.values, config),
    quantized: vectorsOf(forward['out.quantized']!),
    rec: floats(forward['out.rec']!),
    target: floats(forward['out.teacher_target']!),
  };
  // From each of the three on, to the losses.
  const from: Record<
    string,
    (given: TensorMap, parameters: Parameters) => ReturnType<typeof losses>
  > = {
    to_quantizer_features(given, parameters) {
      const codebook = parameters['quantize.embedding.weight'] as Tensor2D;
      const quantized = quantize(given.to_quantizer_features as Tensor2D, codebook);
      const decoded = vqKdDecode(parameters, config, quantized.quantized);
      return losses({ ...quantized, ...decoded }, given.target as Tensor3D);
    },
    quantized(given, parameters) {
      const { prediction } = vqKdDecode(parameters, config, given.quantized as Tensor2D);
      return losses({ prediction, commitment: scalar(0) }, given.target as Tensor3D);
    },
    rec(given) {
      const prediction = given.rec as Tensor3D;
      return losses({ prediction, commitment: scalar(0) }, given.target as Tensor3D);
    },
  };
  await engine.withParameters(await loadWeights(set, config), async (executor) => {
    for (const [place, run] of Object.entries(from)) {
      for (const [prefix, which] of [
        ['grad', 'loss'],
        ['grad_emb_loss', 'emb_loss'],
        ['grad_rec_loss', 'rec_loss'],
      ] as const) {
        const name = `${prefix}.${place}`;
        const expected = file[name]!;
        // The commitment does not depend on what comes after the quantizer.
        if (which === 'emb_loss' && place !== 'to_quantizer_features') {
          report.check(
            TRAIN,
            name,
            expected.values.every((value) => value === 0),
            'no gradient',
          );
          continue;
        }
        const outputs = await executor.run(
          (given, weights) =>
            lossAndGradients(
              (inputs, named) => run({ ...inputs, ...named }, weights)[which] as Scalar,
              (inputs) => ({ [place]: inputs[place]! }),
            )(given, weights),
          start,
        );
        const reference: Values = place === 'quantized' ? valuesOf(vectorsOf(expected)) : expected;
        const ours = gradientsOf(outputs)[place]!;
        report.output(TRAIN, name, shaped(ours, reference.shape), reference);
      }
    }
  });
  const outputs = await forwardOf(set, engine, config, {
    patches: patchesOf(file['in.image']!, config.patchSize),
    target: floats(forward['out.teacher_target']!),
  });
  for (const name of ['loss', 'emb_loss', 'rec_loss', 'codes', 'rec']) {
    const expected = file[`out.${name}`]!;
    report.output(TRAIN, name, shaped(outputs[name]!, expected.shape), expected);
  }
  const { forward_train: json } = await set.json<LossesJson>(LOSSES);
  for (const [name, output] of Object.entries(LOSS_NAMES)) {
    const expected = json[`train/${name}_loss`] as number;
    report.loss(LOSSES, `train/${name}_loss`, outputs[output]!.data[0]!, expected);
  }
}

function vectors(values: Float32Array, { codeDim }: VqKdConfig): HostTensor {
  return { dtype: 'float32', shape: [values.length / codeDim, codeDim], data: values };
}

function valuesOf({ shape, data }: HostTensor): Values {
  return { shape, values: data };
}

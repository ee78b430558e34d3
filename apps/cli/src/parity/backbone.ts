import {
  type Beit3Inputs,
  beit3,
  type EncoderOptions,
  type ModelConfig,
  type Parameters,
} from '@imglish/core';
import { type Tensor, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import {
  type FixtureFile,
  type FixtureSet,
  floats,
  integers,
  parametersOf,
} from './fixture-set.js';
import { maxDifference, type Report, type Values } from './report.js';
import type { Suite } from './suite.js';

const FILES = /^backbone\/.*\.safetensors$/;

/** Embeddings, hidden states, layer internals and outputs of the backbone, masked and padded too. */
export const backbone: Suite = {
  name: 'backbone',
  covers: (path) => FILES.test(path) || path === 'sensitivity.json',
  async run(set, report) {
    const parameters = parametersOf(await set.tensors('weights/retrieval.safetensors'));
    const config = set.config();
    for (const { path } of set.files.filter((file) => FILES.test(file.path))) {
      const file = await set.tensors(path);
      const actual = await runBackbone(parameters, config, file);
      for (const [name, expected] of Object.entries(file)) {
        if (name.startsWith('in.')) continue;
        const value = actual[name];
        if (value) report.output(path, name, value, expected);
        else report.check(path, name, false, 'not computed');
      }
      if (path === 'backbone/image_text.safetensors') {
        await checkSensitivity(set, report, actual['out.encoder_out']!, file['out.encoder_out']!);
      }
    }
    for (const tensor of Object.values(parameters)) tensor.dispose();
  },
};

/** Our difference must be smaller than what any of the typical mistakes would make. */
async function checkSensitivity(
  set: FixtureSet,
  report: Report,
  actual: Values,
  expected: Values,
): Promise<void> {
  const path = 'sensitivity.json';
  if (!set.has(path)) return;
  const { mistakes } = await set.json<{ mistakes: Record<string, { max_abs_diff: number }> }>(path);
  const ours = maxDifference(actual.values, expected.values);
  for (const [mistake, { max_abs_diff }] of Object.entries(mistakes)) {
    const detail = `off by ${ours.toExponential(1)}, the mistake by ${max_abs_diff.toExponential(1)}`;
    report.check(path, `not made: ${mistake}`, ours < max_abs_diff, detail);
  }
}

/** The model's inputs as a fixture file names them. */
export function inputsOf(file: FixtureFile): Beit3Inputs {
  const at = (name: string) => file[name];
  const image = at('in.image');
  const mask = at('in.vision_masked_position');
  const ids = at('in.text_ids');
  const padding = at('in.text_padding');
  return {
    image: image && { pixels: floats(image) },
    imageMask: mask && floats<Tensor2D>(mask),
    textIds: ids && integers<Tensor2D>(ids),
    paddingMask: padding && floats<Tensor2D>(padding),
  };
}

async function runBackbone(
  parameters: Parameters,
  config: ModelConfig,
  file: FixtureFile,
): Promise<Record<string, Values>> {
  const outputs = tidy(() => {
    const named: Record<string, Tensor> = {};
    const options: EncoderOptions = {
      hiddenStates: true,
      probe: (name, tensor) => {
        const fixture = probeNames(name);
        if (fixture && fixture in file) named[fixture] = tensor;
      },
    };
    const result = beit3(parameters, config, inputsOf(file), options);
    named['out.encoder_out'] = result.sequence;
    named['out.encoder_embedding'] = result.embedding;
    result.hiddenStates.forEach((state, i) => {
      named[`out.hidden.${i}`] = state;
    });
    return named;
  });
  return read(outputs, file);
}

/** What the probe of a layer shows, as the fixtures name it. */
function probeNames(name: string): string | undefined {
  const [, layer, rest] = /^layers\.(\d+)\.(.+)$/.exec(name) ?? [];
  const names: Record<string, string> = {
    q_proj: 'q',
    k_proj: 'k',
    v_proj: 'v',
    attention_map: 'attn_probs',
    'ffn.0.fc1': 'ffn.A.fc1',
    'ffn.1.fc1': 'ffn.B.fc1',
    'ffn.0.after_gelu': 'ffn.A.after_gelu',
    'ffn.1.after_gelu': 'ffn.B.after_gelu',
    'ffn.0.ffn_layernorm': 'ffn.A.ffn_layernorm',
    'ffn.1.ffn_layernorm': 'ffn.B.ffn_layernorm',
  };
  return rest && `out.l${layer}.${names[rest] ?? rest}`;
}

/** Values on the host, in the shape the fixture has (the reference merges batch and positions). */
async function read(
  outputs: Record<string, Tensor>,
  file: FixtureFile,
): Promise<Record<string, Values>> {
  const result: Record<string, Values> = {};
  for (const [name, tensor] of Object.entries(outputs)) {
    const expected = file[name];
    const merges = expected && expected.shape.length === 2 && tensor.rank === 3;
    const shape = merges ? [tensor.size / tensor.shape[2]!, tensor.shape[2]!] : tensor.shape;
    result[name] = { shape, values: await tensor.data() };
    tensor.dispose();
  }
  return result;
}

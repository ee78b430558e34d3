import {
  type Beit3Inputs,
  beit3,
  type Executor,
  type HostTensorMap,
  type ModelConfig,
  type TensorMap,
} from '@imglish/core';
import type { Tensor, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
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
  async run(set, report, engine) {
    const parameters = parametersOf(await set.tensors('weights/retrieval.safetensors'));
    await engine.withParameters(parameters, async (executor) => {
      for (const { path } of set.files.filter((file) => FILES.test(file.path))) {
        await checkFile(set, report, executor, path);
      }
    });
  },
};

async function checkFile(
  set: FixtureSet,
  report: Report,
  executor: Executor,
  path: string,
): Promise<void> {
  const file = await set.tensors(path);
  const actual = await runBackbone(executor, set.config(), file);
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

/** The inputs that a fixture file has. */
function inputsOf(file: FixtureFile): HostTensorMap {
  const at = (name: string) => file[name];
  const pixels = at('in.image');
  const imageMask = at('in.vision_masked_position');
  const textIds = at('in.text_ids');
  const paddingMask = at('in.text_padding');
  return {
    ...(pixels ? { pixels: floats(pixels) } : {}),
    ...(imageMask ? { imageMask: floats(imageMask) } : {}),
    ...(textIds ? { textIds: integers(textIds) } : {}),
    ...(paddingMask ? { paddingMask: floats(paddingMask) } : {}),
  };
}

function beit3Inputs({ pixels, imageMask, textIds, paddingMask }: TensorMap): Beit3Inputs {
  return {
    image: pixels && { pixels: pixels as Tensor4D },
    imageMask: imageMask as Tensor2D | undefined,
    textIds: textIds as Tensor2D | undefined,
    paddingMask: paddingMask as Tensor2D | undefined,
  };
}

/** All that the file has of outputs, in the shapes that it has. */
async function runBackbone(
  executor: Executor,
  config: ModelConfig,
  file: FixtureFile,
): Promise<Record<string, Values>> {
  const outputs = await executor.run(function backbone(inputs, parameters) {
    const named: Record<string, Tensor> = {};
    const result = beit3(parameters, config, beit3Inputs(inputs), {
      hiddenStates: true,
      probe: (name, tensor) => {
        const fixture = probeNames(name);
        if (fixture && fixture in file) named[fixture] = tensor;
      },
    });
    named['out.encoder_out'] = result.sequence;
    named['out.encoder_embedding'] = result.embedding;
    result.hiddenStates.forEach((state, i) => {
      named[`out.hidden.${i}`] = state;
    });
    return named;
  }, inputsOf(file));
  return Object.fromEntries(
    Object.entries(outputs).map(([name, { shape, data }]) => {
      // The reference merges batch and positions.
      const merges = file[name]?.shape.length === 2 && shape.length === 3;
      const merged = merges ? [shape[0]! * shape[1]!, shape[2]!] : shape;
      return [name, { shape: merged, values: data }];
    }),
  );
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

import {
  type Decoded,
  type DecodingState,
  decodeStep,
  type HostTensor,
  type HostTensorMap,
  type ModelConfig,
  ops,
  type Parameters,
  prefill,
  type TensorMap,
  type Traceable,
} from '@imglish/core';
import type { Tensor1D, Tensor2D, Tensor4D } from '@tensorflow/tfjs-core';
import { floats, integers, parametersOf } from './fixture-set.js';
import type { Values } from './report.js';
import type { Suite } from './suite.js';

const PATH = 'heads/captioning_incremental.safetensors';

/** Captioning word by word: logits and the state of every step that the fixtures hold. */
export const decoding: Suite = {
  name: 'incremental decoding',
  covers: (path) => path === PATH,
  async run(set, report, engine) {
    const file = await set.tensors(PATH);
    const parameters = parametersOf(await set.tensors('weights/captioning.safetensors'));
    const config = set.config({ normalizeOutput: true });
    const steps = Object.keys(file).filter((name) => name.endsWith('.in.text_ids')).length;
    const { first, next } = captioning(config, steps + 1);
    await engine.withParameters(parameters, async (executor) => {
      let state: HostTensorMap = {};
      for (let step = 0; step < steps; step++) {
        const ids = integers(file[`step${step}.in.text_ids`]!);
        const position: HostTensor = { dtype: 'int32', shape: [1], data: Int32Array.of(step) };
        const outputs =
          step === 0
            ? await executor.run(first, { pixels: floats(file['in.image']!), ids })
            : await executor.run(next, { ...state, ids, position });
        const { logits, ...rest } = outputs;
        state = { ...state, ...rest };
        const values: Record<string, Values> = {
          'out.logits': { shape: logits!.shape, values: logits!.data },
        };
        for (let layer = 0; layer < config.layers; layer++) {
          const at = (what: string) => state[`${layer}.${what}`]!;
          const prefix = `state.layer${layer}`;
          values[`${prefix}.prev_key`] = joined(at('imageKeys'), at('textKeys'), step + 2);
          values[`${prefix}.prev_value`] = joined(at('imageValues'), at('textValues'), step + 2);
        }
        for (const [name, expected] of Object.entries(file)) {
          const prefix = `step${step}.`;
          if (!name.startsWith(prefix) || name.startsWith(`${prefix}in.`)) continue;
          const value = values[name.slice(prefix.length)];
          if (value) report.output(PATH, name, value, expected);
          else report.check(PATH, name, false, 'not computed');
        }
      }
    });
  },
};

/** The two functions that serve a whole caption; the images' keys and values come from the first. */
function captioning(config: ModelConfig, maxLength: number): { first: Traceable; next: Traceable } {
  const outputs = ({ text, state }: Decoded, parameters: Parameters, withImages: boolean) => {
    const weight = parameters['mlm_head.weight']!;
    const logits = ops.linear(text, weight, parameters['mlm_head.bias']!);
    const layers = state.layers.flatMap(({ imageKeys, imageValues, ...texts }, layer) =>
      Object.entries({ ...texts, ...(withImages ? { imageKeys, imageValues } : {}) }).map(
        ([what, tensor]) => [`${layer}.${what}`, tensor],
      ),
    );
    return { logits, ...Object.fromEntries(layers) };
  };
  const stateOf = (inputs: TensorMap): DecodingState => ({
    layers: Array.from({ length: config.layers }, (_, layer) => {
      const at = (what: string) => inputs[`${layer}.${what}`] as Tensor4D;
      return {
        imageKeys: at('imageKeys'),
        imageValues: at('imageValues'),
        textKeys: at('textKeys'),
        textValues: at('textValues'),
      };
    }),
    maxLength,
  });
  return {
    first({ pixels, ids }, parameters) {
      const image = { pixels: pixels as Tensor4D };
      const decoded = prefill(parameters, config, image, ids as Tensor2D, maxLength);
      return outputs(decoded, parameters, true);
    },
    next({ ids, position, ...state }, parameters) {
      const given = [stateOf(state), ids as Tensor2D, position as Tensor1D] as const;
      return outputs(decodeStep(parameters, config, ...given), parameters, false);
    },
  };
}

/** Image's keys or values `[B, H, N, d]`, then the first `length` of the text's `[B, H, L, d]`. */
function joined(image: HostTensor, text: HostTensor, length: number): Values {
  const [batch, heads, positions, width] = image.shape as [number, number, number, number];
  const [ofImage, ofText] = [positions * width, text.shape[2]! * width];
  const row = ofImage + length * width;
  const values = new Float32Array(batch * heads * row);
  for (let i = 0; i < batch * heads; i++) {
    values.set(image.data.subarray(i * ofImage, (i + 1) * ofImage), i * row);
    const texts = text.data.subarray(i * ofText, i * ofText + length * width);
    values.set(texts, i * row + ofImage);
  }
  return { shape: [batch, heads, positions + length, width], values };
}

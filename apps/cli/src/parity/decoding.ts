import { decodeStep, disposeDecodingState, ops, prefill } from '@imglish/core';
import { concat, slice, type Tensor, type Tensor2D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { floats, integers, parametersOf } from './fixture-set.js';
import type { Suite } from './suite.js';

const PATH = 'heads/captioning_incremental.safetensors';

/** Captioning word by word: logits and the state of every step that the fixtures hold. */
export const decoding: Suite = {
  name: 'incremental decoding',
  covers: (path) => path === PATH,
  async run(set, report) {
    const file = await set.tensors(PATH);
    const parameters = parametersOf(await set.tensors('weights/captioning.safetensors'));
    const config = set.config({ normalizeOutput: true });
    const steps = Object.keys(file).filter((name) => name.endsWith('.in.text_ids')).length;
    const head = (text: Tensor) =>
      ops.linear(text, parameters['mlm_head.weight']!, parameters['mlm_head.bias']!);

    const pixels = floats(file['in.image']!);
    const first = integers<Tensor2D>(file['step0.in.text_ids']!);
    let { text, state } = prefill(
      parameters,
      config,
      { pixels: pixels as never },
      first,
      steps + 1,
    );
    for (let step = 0; step < steps; step++) {
      if (step > 0) {
        const ids = integers<Tensor2D>(file[`step${step}.in.text_ids`]!);
        const position = tensor1d([step], 'int32');
        const next = decodeStep(parameters, config, state, ids, position);
        for (const tensor of [text, ids, position]) tensor.dispose();
        disposeDecodingState(state);
        ({ text, state } = next);
      }
      const values: Record<string, Tensor> = tidy(() => {
        const named: Record<string, Tensor> = { 'out.logits': head(text) };
        state.layers.forEach((layer, i) => {
          const length = step + 2;
          const written = (texts: Tensor) => slice(texts, [0, 0, 0, 0], [-1, -1, length, -1]);
          named[`state.layer${i}.prev_key`] = concat([layer.imageKeys, written(layer.textKeys)], 2);
          named[`state.layer${i}.prev_value`] = concat(
            [layer.imageValues, written(layer.textValues)],
            2,
          );
        });
        return named;
      });
      for (const [name, expected] of Object.entries(file)) {
        const prefix = `step${step}.`;
        if (!name.startsWith(prefix) || name.startsWith(`${prefix}in.`)) continue;
        const value = values[name.slice(prefix.length)];
        if (value) {
          const actual = { shape: value.shape, values: await value.data() };
          report.output(PATH, name, actual, expected);
        } else report.check(PATH, name, false, 'not computed');
      }
      for (const tensor of Object.values(values)) tensor.dispose();
    }
    disposeDecodingState(state);
    for (const tensor of [text, pixels, first, ...Object.values(parameters)]) tensor.dispose();
  },
};

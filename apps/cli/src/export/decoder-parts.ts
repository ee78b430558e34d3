import {
  type DecodingState,
  decodeStep,
  type LayerState,
  type ModelConfig,
  namedLinear,
  ops,
  type Parameters,
  patchGrid,
  prefill,
  type TensorMap,
} from '@imglish/core';
import type { Tensor, Tensor1D, Tensor2D, Tensor3D } from '@tensorflow/tfjs-core';
import { type ExportPart, floats, imageOf, integers, type PartTensor, pixelInput } from './part.js';

/** What a layer's state is called in a file: `{when}.{layer}.image.key` and so on. */
const STATE = {
  imageKeys: 'image.key',
  imageValues: 'image.value',
  textKeys: 'text.key',
  textValues: 'text.value',
} as const satisfies Record<keyof LayerState, string>;
type StateKey = keyof LayerState;
const OF_TEXT: readonly StateKey[] = ['textKeys', 'textValues'];
const ALL = Object.keys(STATE) as StateKey[];

/**
 * Captions word by word: the first call, with room for `maxLength` tokens, and a later one. The state
 * of the images stays as the first call gives it; that of the texts goes from call to call.
 */
export function decoderParts(config: ModelConfig, maxLength: number): ExportPart[] {
  const { heads, dim, vocabularySize, layers } = config;
  const [rows, columns] = patchGrid(config);
  const ids = (what: string) => integers(['batch', 2], what);
  const logits = floats(['batch', vocabularySize], 'of the next word');
  const state = (when: string, keys: readonly StateKey[], length: number | string) =>
    Object.fromEntries(
      Array.from({ length: layers }, (_, layer) =>
        keys.map((key): [string, PartTensor] => {
          const size = OF_TEXT.includes(key) ? length : 1 + rows * columns;
          const what = `layer ${layer}`;
          return [
            `${when}.${layer}.${STATE[key]}`,
            floats(['batch', heads, size, dim / heads], what),
          ];
        }),
      ).flat(),
    );
  return [
    {
      file: 'decoder_prefill',
      group: 'prefill',
      what: 'Begins captions; has room for `max_length` tokens, as many as it was exported for.',
      inputs: { pixel_values: pixelInput(config), input_ids: ids('`<s>`, `<mask>`') },
      outputs: { logits, ...state('present', ALL, 'max_length') },
      f: ({ pixel_values, input_ids }, parameters) => {
        const image = imageOf(pixel_values);
        const decoded = prefill(parameters, config, image, input_ids as Tensor2D, maxLength);
        return {
          logits: nextWord(decoded.text, parameters, config),
          ...written(decoded.state, ALL),
        };
      },
    },
    {
      file: 'decoder_step',
      group: 'step',
      what: 'Goes on by one word.',
      inputs: {
        input_ids: ids('the last word, `<mask>`'),
        position: integers([1], 'index of that word in its text; `<s>` has 0'),
        ...state('past', ALL, 'max_length'),
      },
      outputs: { logits, ...state('present', OF_TEXT, 'max_length') },
      f: ({ input_ids, position, ...past }, parameters) => {
        const before = read(past, layers);
        const word = input_ids as Tensor2D;
        const decoded = decodeStep(parameters, config, before, word, position as Tensor1D);
        return {
          logits: nextWord(decoded.text, parameters, config),
          ...written(decoded.state, OF_TEXT),
        };
      },
    },
  ];
}

/** Logits of what stands at `<mask>`: `[B, 2, D]` → `[B, V]`. */
function nextWord(text: Tensor3D, parameters: Parameters, { dim }: ModelConfig): Tensor {
  const masked = ops.reshape(ops.slice(text, [0, 1, 0], [-1, 1, -1]), [-1, dim]);
  return namedLinear(masked, parameters, 'mlm_head');
}

function written({ layers }: DecodingState, keys: readonly StateKey[]): Record<string, Tensor> {
  return Object.fromEntries(
    layers.flatMap((state, layer) =>
      keys.map((key) => [`present.${layer}.${STATE[key]}`, state[key]]),
    ),
  );
}

function read(past: TensorMap, layers: number): DecodingState {
  const states = Array.from({ length: layers }, (_, layer) =>
    Object.fromEntries(ALL.map((key) => [key, past[`past.${layer}.${STATE[key]}`]])),
  ) as unknown as LayerState[];
  return { layers: states, maxLength: states[0]!.textKeys.shape[2] };
}

import { linearSpecs, patchGrid, unidirectionalMask } from '@imglish/core';
import type { ModelText } from '@imglish/tokenizers';
import type { LossTerm } from '@imglish/train';
import { type Tensor2D, tensor2d } from '@tensorflow/tfjs-core';
import { dropPathOf } from '../batches/drop-path.js';
import type { MaskedTextSample } from '../batches/masked-example.js';
import { inOrder, numbersOf, type Samples } from '../batches/samples.js';
import { slotTensors, textTensors } from '../batches/stream-tensors.js';
import {
  type MaskedSlots,
  type MaskedStream,
  maskedLogits,
  maskedLosses,
} from './masked-data-modelling.js';
import type { Objective, ObjectiveData } from './objective.js';
import { plainPairs } from './plain-pairs.js';

/** Texts whose every word is predicted from those before it. */
export interface CausalStream extends MaskedStream {
  /** Positions whose next id is predicted, and that id. */
  words: MaskedSlots;
  /** 1 = hidden `[N, N]`: core's `unidirectionalMask`. */
  attentionMask: Tensor2D;
}

export interface LanguageModellingInputs {
  text?: CausalStream;
  pair?: CausalStream;
}

/**
 * Language modelling: every id of a text but the first, `</s>` included, from the ids before it, and
 * of a caption from the whole image as well. Images see themselves only, as in the reference's
 * captioning (modeling_finetune.py:145-157). `mlm_head` says the word.
 */
export const languageModelling: Objective<LanguageModellingInputs> = {
  name: 'language-modelling',
  streams: ['text', 'pair'],
  parts: ['nextWord', 'nextCaptionWord'],
  needs: [],
  predictsCodes: false,
  headSpecs: ({ dim, vocabularySize }) => linearSpecs('mlm_head', dim, vocabularySize),
  reader,
  counts: ({ text, pair }) => ({
    ...(text ? { nextWord: text.words.count } : {}),
    ...(pair ? { nextCaptionWord: pair.words.count } : {}),
  }),
  losses(parameters, config, { text, pair }, encoder) {
    const loss = ({ attentionMask, ...stream }: CausalStream): LossTerm => {
      const logits = maskedLogits(parameters, config, stream, { ...encoder, attentionMask });
      return maskedLosses(logits, stream).words!;
    };
    return {
      ...(text ? { nextWord: loss(text) } : {}),
      ...(pair ? { nextCaptionWord: loss(pair) } : {}),
    };
  },
};

/** Position p < n − 1 of the n ids of a text predicts id p + 1. */
export function nextWords({ ids, paddingMask, length }: ModelText): MaskedTextSample {
  const positions = Array.from({ length: length - 1 }, (_, position) => position);
  return { ids, paddingMask, slots: { positions, labels: positions.map((p) => ids[p + 1]!) } };
}

function reader(data: ObjectiveData) {
  const { config, tokenizer, mix, seed, maxTextLength, maxCaptionLength } = data;
  const [rows, columns] = patchGrid(config);
  const maskOf = (imageLength: number, textLength: number) => {
    const length = imageLength + textLength;
    return tensor2d(unidirectionalMask(imageLength, textLength), [length, length]);
  };
  const readPairs = plainPairs(data);
  return async (index: number, samples: Samples): Promise<LanguageModellingInputs> => {
    const numbers = { text: numbersOf(index, mix.text), pair: numbersOf(index, mix.pair) };
    const texts = await inOrder(numbers.text, async (number) =>
      nextWords(tokenizer.encodeForModel(await samples.text(number), maxTextLength)),
    );
    const captions = await inOrder(numbers.pair, async (number) => {
      const { caption } = await samples.pair(number);
      return nextWords(tokenizer.encodeForModel(caption, maxCaptionLength));
    });
    const pairs = mix.pair > 0 ? await readPairs(numbers.pair, samples) : undefined;
    const inputs: LanguageModellingInputs = {};
    if (mix.text > 0) {
      inputs.text = {
        ...textTensors(texts, maxTextLength - 1),
        attentionMask: maskOf(0, maxTextLength),
        dropPath: dropPathOf(config, seed, 'language modelling of text', numbers.text),
      };
    }
    if (pairs) {
      inputs.pair = {
        inputs: pairs,
        words: slotTensors(captions, maxCaptionLength, maxCaptionLength - 1),
        attentionMask: maskOf(1 + rows * columns, maxCaptionLength),
        dropPath: dropPathOf(config, seed, 'language modelling of pair', numbers.pair),
      };
    }
    return inputs;
  };
}

import '@tensorflow/tfjs-backend-cpu';
import { beit3, type Parameters } from '@imglish/core';
import { dispose, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { objectiveBatch, objectiveParameters, toyObjectiveOptions } from '../../test/objectives.js';
import { PATCHES, toyConfig, toyTextTokenizer } from '../../test/toy.js';
import {
  type CausalStream,
  type LanguageModellingInputs,
  languageModelling,
  nextWords,
} from './language-modelling.js';
import type { ObjectiveBatch } from './mixture.js';

const NAMES = ['language-modelling'] as const;
const config = toyConfig({ variant: 'paper', fusionLayers: 1 });
let parameters: Record<string, Tensor>;
let batch: ObjectiveBatch;
beforeAll(async () => {
  parameters = objectiveParameters(NAMES, config);
  const mix = { text: 2, image: 0, pair: 2 };
  batch = await objectiveBatch(NAMES, toyObjectiveOptions({ config, mix }), parameters);
});
afterAll(() => dispose([parameters, batch] as never));

const inputs = () => batch.inputs['language-modelling'] as LanguageModellingInputs;
const streams = ['text', 'pair'] as const;

/** Logits in float64 of every position of the text. */
function logitsOf(stream: CausalStream, weights: Parameters = parameters): number[][][] {
  const { x, w, b } = tidy(() => {
    const { text } = beit3(weights, config, stream.inputs, { attentionMask: stream.attentionMask });
    return {
      x: text!.arraySync(),
      w: weights['mlm_head.weight']!.arraySync() as number[][],
      b: Array.from(weights['mlm_head.bias']!.dataSync()),
    };
  });
  const row = (x: number[]) => w.map((w, j) => w.reduce((sum, v, k) => sum + v * x[k]!, b[j]!));
  return x.map((sample) => sample.map(row));
}

describe('language modelling', () => {
  it('predicts every word but the first from those before it, the end of the text included', () => {
    const tokenizer = toyTextTokenizer();
    const text = tokenizer.encodeForModel('red above blue', 9);
    const { slots } = nextWords(text);
    expect(slots.positions).toEqual([0, 1, 2, 3]);
    expect(slots.labels).toEqual([...text.ids.slice(1, 5)]);
    expect(text.ids[4]).toBe(tokenizer.eosId);
  });

  it.each(streams)('is −log p of the next word at every position of the %s', (stream) => {
    const { words, ...rest } = inputs()[stream]!;
    const logits = logitsOf({ words, ...rest }).flat();
    const ids = rest.inputs.textIds!.dataSync();
    const padding = rest.inputs.paddingMask!.dataSync();
    const length = rest.inputs.textIds!.shape[1];
    let [expected, count] = [0, 0];
    for (let at = 0; at < ids.length; at++) {
      if (at % length === length - 1 || padding[at + 1] === 1) continue;
      const z = logits[at]!;
      expected += Math.log(z.reduce((sum, x) => sum + Math.exp(x), 0)) - z[ids[at + 1]!]!;
      count++;
    }
    expect(words.count).toBe(count);
    const part = stream === 'text' ? 'nextWord' : 'nextCaptionWord';
    const terms = tidy(() => {
      const term = languageModelling.losses(parameters, config, inputs(), {})[part]!;
      return { sum: term.sum.dataSync()[0]!, count: term.count };
    });
    expect(terms.count).toBe(count);
    expect(Math.abs(terms.sum - expected)).toBeLessThan(1e-5 * expected);
  });

  it.each(streams)('sees no later word of the %s', (stream) => {
    const given = inputs()[stream]!;
    const before = logitsOf(given);
    const length = given.inputs.textIds!.shape[1];
    const changed = 3;
    const ids = Array.from(given.inputs.textIds!.dataSync(), (id, at) =>
      at % length === changed ? (id === 5 ? 6 : 5) : id,
    );
    const textIds = tensor2d(ids, [2, length], 'int32');
    const after = logitsOf({ ...given, inputs: { ...given.inputs, textIds } });
    textIds.dispose();
    expect(after.map((rows) => rows.slice(0, changed))).toEqual(
      before.map((rows) => rows.slice(0, changed)),
    );
    expect(after[0]![changed]).not.toEqual(before[0]![changed]);
  });

  it('sees the whole image with every word, and no word with the image', () => {
    const mask = inputs().pair!.attentionMask.arraySync();
    const images = 1 + PATCHES;
    mask.forEach((row, at) => {
      const visible = Math.max(images, at + 1);
      expect(row).toEqual(row.map((_, key) => (key < visible ? 0 : 1)));
    });
    expect(inputs().text!.attentionMask.arraySync()[4]!.slice(0, 7)).toEqual([0, 0, 0, 0, 0, 1, 1]);
  });
});

import { disposeAll } from '@imglish/core';
import {
  type Caption,
  type CaptionDecoder,
  type CaptionVocabulary,
  captionDecoderFor,
  generateCaptions,
} from '@imglish/tasks';
import { floats, parametersOf } from './fixture-set.js';
import type { Report } from './report.js';
import type { Suite } from './suite.js';

const PATH = 'generation/captioning.json';
const IMAGES = 'generation/images.safetensors';

interface Fixture {
  weights: string;
  images: string;
  special_ids: Record<'cls/bos' | 'pad' | 'sep/eos' | 'mask', number>;
  runs: Run[];
}

interface Run {
  num_beams: number;
  max_len: number;
  length_penalty: number;
  /** For each image: `<s>`, words, `<mask>`, `</s>`, `<pad>`… */
  decoded_ids: number[][];
  scores: number[];
  hypotheses_added_in_order: { hyp: number[]; sum_logprobs: number; score: number }[][];
  model_calls: { text_ids: number[][]; text_len: number }[];
}

/** Captions of the reference's beam search, its hypotheses and what it asked the model. */
export const generation: Suite = {
  name: 'caption generation',
  covers: (path) => path === PATH || path === IMAGES,
  async run(set, report, engine) {
    const fixture = await set.json<Fixture>(PATH);
    const [pixels] = Object.values(await set.tensors(fixture.images)).map(floats);
    const parameters = parametersOf(await set.tensors(fixture.weights));
    const config = set.config({ normalizeOutput: true });
    const decoder = await captionDecoderFor(engine, parameters, config);
    const { special_ids: ids } = fixture;
    const vocabulary: CaptionVocabulary = {
      bosId: ids['cls/bos'],
      padId: ids.pad,
      eosId: ids['sep/eos'],
      maskId: ids.mask,
    };
    const expected = [fixture.runs[0]!.decoded_ids.length, 3, ...config.imageSize];
    report.equal(IMAGES, 'shape', pixels!.shape, expected);
    try {
      for (const run of fixture.runs) {
        const { num_beams: beams, max_len: maxLength, length_penalty: lengthPenalty } = run;
        const calls: number[][][] = [];
        const options = { beams, maxLength, lengthPenalty };
        const watched = recording(decoder, calls);
        const captions = await generateCaptions(watched, pixels!, vocabulary, options);
        const name = `${beams} beams, ${maxLength} tokens, penalty ${lengthPenalty}`;
        compare(report, name, run, captions, vocabulary);
        // With no room for a word the reference asks once more, to no effect.
        const asked = run.model_calls.filter(({ text_len }) => text_len < maxLength);
        const asReference = asked.map(({ text_ids }) => text_ids);
        report.equal(PATH, `${name}: model calls`, calls, asReference);
      }
    } finally {
      await decoder.dispose();
      disposeAll(parameters);
    }
  },
};

function compare(
  report: Report,
  name: string,
  run: Run,
  captions: readonly Caption[],
  { bosId, padId, eosId, maskId }: CaptionVocabulary,
): void {
  const begun = (words: readonly number[]) => [bosId, ...words, maskId];
  const decoded = captions.map(({ words }) => {
    const ids = [...begun(words), eosId];
    return [...ids, ...Array<number>(run.max_len - ids.length).fill(padId)];
  });
  report.equal(PATH, `${name}: captions`, decoded, run.decoded_ids);
  numbers(
    'scores',
    captions.map(({ score }) => score),
    run.scores,
  );
  captions.forEach(({ hypotheses }, image) => {
    const added = run.hypotheses_added_in_order[image]!;
    const what = `hypotheses of image ${image}`;
    report.equal(
      PATH,
      `${name}: ${what}`,
      hypotheses.map(({ words }) => begun(words)),
      added.map(({ hyp }) => hyp),
    );
    numbers(
      `log p, ${what}`,
      hypotheses.map(({ logProb }) => logProb),
      added.map(({ sum_logprobs }) => sum_logprobs),
    );
    numbers(
      `scores, ${what}`,
      hypotheses.map(({ score }) => score),
      added.map(({ score }) => score),
    );
  });

  function numbers(what: string, actual: number[], expected: number[]): void {
    report.output(
      PATH,
      `${name}: ${what}`,
      { shape: [actual.length], values: actual },
      { shape: [expected.length], values: expected },
    );
  }
}

/** Notes what every call feeds: `[texts, 2]`. */
function recording(decoder: CaptionDecoder, calls: number[][][]): CaptionDecoder {
  return {
    ...decoder,
    async begin(pixels, options) {
      const decoding = await decoder.begin(pixels, options);
      return {
        step(words, rows) {
          calls.push(Array.from(words, (word) => [word, options.maskId]));
          return decoding.step(words, rows);
        },
        dispose: () => decoding.dispose(),
      };
    },
  };
}

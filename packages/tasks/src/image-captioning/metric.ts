import type { PairExample } from '@imglish/core';
import { bleu } from '../metrics/bleu.js';
import { ciderD } from '../metrics/cider-d.js';
import { meteorExactStem } from '../metrics/meteor/meteor-exact-stem.js';
import { rougeL } from '../metrics/rouge-l.js';
import { tokenizeCaption } from '../metrics/tokenize-caption.js';
import type { Metrics } from '../task.js';
import type { WrittenCaption } from './predict.js';

/** What people wrote of an image. */
export interface CaptionReference {
  readonly id: string;
  readonly captions: readonly string[];
}

export function reference({ id, captions }: PairExample): CaptionReference {
  return { id, captions };
}

/**
 * CIDEr-D (0 … 10), BLEU-4 and ROUGE-L (0 … 1) as the COCO caption tools compute them, and METEOR
 * (0 … 1) without synonyms and paraphrases, see `meteorExactStem`.
 */
export function metric(
  predictions: readonly WrittenCaption[],
  references: readonly CaptionReference[],
): Metrics {
  const captions = predictions.map(({ caption }, i) => ({
    caption: tokenizeCaption(caption),
    references: references[i]!.captions.map(tokenizeCaption),
  }));
  return {
    CIDEr: ciderD(captions),
    'BLEU-4': bleu(captions)[3],
    'ROUGE-L': rougeL(captions),
    'METEOR-exact-stem': meteorExactStem(captions),
  };
}

import { bleu } from './bleu.js';
import { ciderD } from './cider-d.js';
import { meteorExactStem } from './meteor/meteor-exact-stem.js';
import { rougeL } from './rouge-l.js';
import { tokenizeCaption } from './tokenize-caption.js';

/** A caption of an image beside those that people wrote. */
export interface ReferencedCaption {
  readonly caption: string;
  readonly references: readonly string[];
}

export interface CaptionMetrics {
  /** 0 … 10; by it the best model is kept. */
  readonly ciderD: number;
  /** 0 … 1, as the others. */
  readonly bleu1: number;
  readonly bleu2: number;
  readonly bleu3: number;
  readonly bleu4: number;
  readonly rougeL: number;
  /** Not the METEOR of papers: without its synonyms and paraphrases. */
  readonly meteorExactStem: number;
}

/**
 * The COCO caption metrics of a corpus, from the captions as they are written; see `ciderD`, `bleu`,
 * `rougeL`, `meteorExactStem`. METEOR in full and SPICE need databases and parsers of English and are not
 * computed: submit a file of `captionSubmission`, or give it to the COCO tools.
 *
 * @throws DataError `data/metric-length` without captions, `data/no-references`.
 */
export function captionMetrics(captions: readonly ReferencedCaption[]): CaptionMetrics {
  const tokenized = captions.map(({ caption, references }) => ({
    caption: tokenizeCaption(caption),
    references: references.map(tokenizeCaption),
  }));
  const [bleu1, bleu2, bleu3, bleu4] = bleu(tokenized);
  return {
    ciderD: ciderD(tokenized),
    bleu1,
    bleu2,
    bleu3,
    bleu4,
    rougeL: rougeL(tokenized),
    meteorExactStem: meteorExactStem(tokenized),
  };
}

import { ConfigError, type RandomStream } from '@imglish/core';

/** What masking needs to know of a tokenizer. */
export interface MaskVocabulary {
  readonly maskId: number;
  readonly vocabSize: number;
}

export interface MaskedText {
  /** The ids with some replaced, `[maxLength]`. */
  readonly ids: Int32Array;
  /** 1 where the model has to say what stood there, `[maxLength]`. */
  readonly targets: Int32Array;
}

/** Of the chosen positions, this part becomes `<mask>`; of the rest, one half stays, one is random. */
const MASKED = 0.8;
const KEPT = 0.9;
/** Random replacements start at `<unk>`. */
const FIRST_RANDOM_ID = 3;

/**
 * Masks a text for masked language modelling as BEiT-3's captioning does.
 *
 * Of the `length` ids before the padding, `max(1, min(⌊length × ratio + 1/2⌋, length - 1))` are chosen
 * among positions 1 … length - 1: `<s>` never, `</s>` perhaps. 80 % of them become `<mask>`, 10 % stay,
 * 10 % become an id drawn from `<unk>` up to the end of the vocabulary.
 */
export function maskText(
  ids: Int32Array,
  length: number,
  ratio: number,
  vocabulary: MaskVocabulary,
  random: Pick<RandomStream, 'integer' | 'uniform'>,
): MaskedText {
  if (
    !Number.isInteger(length) ||
    length < 2 ||
    length > ids.length ||
    !(ratio > 0 && ratio <= 1)
  ) {
    throw new ConfigError({
      code: 'config/mask-text',
      where: 'maskText',
      expected: `a length from 2 to ${ids.length} and a ratio in (0, 1]`,
      got: `length ${length}, ratio ${ratio}`,
    });
  }
  const wanted = Math.max(1, Math.min(Math.floor(length * ratio + 0.5), length - 1));
  const masked = ids.slice();
  const targets = new Int32Array(ids.length);
  for (let chosen = 0; chosen < wanted; ) {
    const at = 1 + random.integer(length - 1);
    if (targets[at]) continue;
    targets[at] = 1;
    chosen++;
    const kind = random.uniform();
    if (kind < MASKED) masked[at] = vocabulary.maskId;
    else if (kind >= KEPT) {
      masked[at] = FIRST_RANDOM_ID + random.integer(vocabulary.vocabSize - FIRST_RANDOM_ID);
    }
  }
  return { ids: masked, targets };
}

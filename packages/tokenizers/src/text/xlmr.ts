import { TokenizerError } from '@imglish/core';
import { PIECE_TYPE } from './piece-table.js';
import { META_SPACE, SentencePiece, type TextPiece } from './sentencepiece.js';

/** A text of fixed length as the model takes it. */
export interface ModelText {
  /** `<s>` pieces `</s>` `<pad>` …, `[maxLength]`. */
  readonly ids: Int32Array;
  /** 1 at `<pad>`, 0 elsewhere, `[maxLength]`. */
  readonly paddingMask: Int32Array;
  /** Ids before the padding. */
  readonly length: number;
}

export interface DecodeOptions {
  /** Leaves out `<s>`, `<pad>`, `</s>`, `<unk>` and `<mask>`. Default true. */
  skipSpecialTokens?: boolean;
  /** Drops the space in front of `.`, `,`, `?`, `!`, `'s`, `n't` and the like. Default true. */
  cleanUp?: boolean;
}

export interface EncodeOptions {
  /** Takes `<mask>` and the like in the text for the special token of that name. Default true. */
  specialTokens?: boolean;
}

/** Text to ids and back, in the layout of XLM-RoBERTa that BEiT-3 uses. */
export interface TextTokenizer {
  /** Pieces + 2: one more than the largest id. */
  readonly vocabSize: number;
  readonly bosId: 0;
  readonly padId: 1;
  readonly eosId: 2;
  readonly unkId: 3;
  readonly maskId: number;
  /** Ids of a text, without `<s>` and `</s>`. */
  encode(text: string, options?: EncodeOptions): number[];
  /** The same with the piece and the range of the text (UTF-16 indices) behind each id. */
  encodeWithOffsets(text: string, options?: EncodeOptions): TextPiece[];
  /** Ids to text; throws `tokenizer/wrong-vocabulary` for an id out of range. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string;
  /**
   * `<s>`, the first `maxLength - 2` ids, `</s>`, `<pad>` up to `maxLength`.
   *
   * Throws `tokenizer/empty-text` where there is no id, `tokenizer/max-length` for a `maxLength`
   * below 3, `tokenizer/wrong-vocabulary` for an id out of range.
   */
  encodeForModel(text: string | ArrayLike<number>, maxLength: number): ModelText;
  /** Text after normalisation, U+2581 for every space. */
  normalize(text: string): string;
  /** Piece of an id; throws `tokenizer/wrong-vocabulary` for an id out of range. */
  idToPiece(id: number): string;
  /** Id of a piece or special token, or undefined where the vocabulary lacks it. */
  pieceToId(piece: string): number | undefined;
}

const SPECIAL: readonly string[] = ['<s>', '<pad>', '</s>', '<unk>'];
const MASK = '<mask>';
const SPECIAL_IN_TEXT = /<s>|<pad>|<\/s>|<unk>|<mask>/g;
/** White space as Python's `str.strip` sees it. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: Python strips these controls too
const SPACE = /[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]/;
/** The clean-up of the `transformers` library, in its order. */
const CLEAN_UP: readonly (readonly [string, string])[] = [
  [' .', '.'],
  [' ?', '?'],
  [' !', '!'],
  [' ,', ','],
  [" ' ", "'"],
  [" n't", "n't"],
  [" 'm", "'m"],
  [" 's", "'s"],
  [" 've", "'ve"],
  [" 're", "'re"],
];

/**
 * Makes the tokenizer of a SentencePiece unigram model (`.spm` bytes).
 *
 * Ids: `<s>` 0, `<pad>` 1, `</s>` 2, `<unk>` 3; piece `n ≥ 3` of the file is `n + 1`; `<mask>` is the
 * number of pieces + 1. Throws a `TokenizerError` for bytes that are no such model
 * (`tokenizer/corrupt-model`) or one of another kind (`tokenizer/unsupported-model`).
 */
export function textTokenizer(bytes: Uint8Array): TextTokenizer {
  return new XlmRobertaTokenizer(new SentencePiece(bytes));
}

class XlmRobertaTokenizer implements TextTokenizer {
  readonly bosId = 0;
  readonly padId = 1;
  readonly eosId = 2;
  readonly unkId = 3;
  readonly maskId: number;
  readonly vocabSize: number;
  readonly #model: SentencePiece;

  constructor(model: SentencePiece) {
    const layout: [number, string, number][] = [
      [0, '<unk>', PIECE_TYPE.unknown],
      [1, '<s>', PIECE_TYPE.control],
      [2, '</s>', PIECE_TYPE.control],
    ];
    for (const [id, name, type] of layout) {
      if (id >= model.size || model.typeOf(id) !== type) {
        throw new TokenizerError({
          code: 'tokenizer/unsupported-model',
          where: 'textTokenizer',
          expected: `${name} as piece ${id} of the model`,
          got: id < model.size ? model.idToPiece(id) : `${model.size} pieces`,
          fix: 'Train the model with unk_id 0, bos_id 1 and eos_id 2, the defaults.',
        });
      }
    }
    this.#model = model;
    this.maskId = model.size + 1;
    this.vocabSize = model.size + 2;
  }

  encode(text: string, options: EncodeOptions = {}): number[] {
    return this.encodeWithOffsets(text, options).map(({ id }) => id);
  }

  encodeWithOffsets(text: string, options: EncodeOptions = {}): TextPiece[] {
    if (options.specialTokens === false) return this.#encodePlain(text, 0);
    const result: TextPiece[] = [];
    let from = 0;
    for (const { 0: piece, index } of text.matchAll(SPECIAL_IN_TEXT)) {
      // A special token takes the white space in front of it, and all but <mask> that behind it.
      let to = index;
      while (to > from && isSpace(text[to - 1])) to--;
      for (const part of this.#encodePlain(text.slice(from, to), from)) result.push(part);
      from = index + piece.length;
      const id = piece === MASK ? this.maskId : SPECIAL.indexOf(piece);
      result.push({ id, piece, start: index, end: from });
      if (piece !== MASK) while (isSpace(text[from])) from++;
    }
    for (const part of this.#encodePlain(text.slice(from), from)) result.push(part);
    return result;
  }

  decode(ids: Iterable<number>, options: DecodeOptions = {}): string {
    const { skipSpecialTokens = true, cleanUp = true } = options;
    let text = '';
    for (const id of ids) {
      this.#check('decode', id);
      if (skipSpecialTokens && (id < SPECIAL.length || id === this.maskId)) continue;
      text += this.idToPiece(id);
    }
    text = strip(text.replaceAll(META_SPACE, ' '));
    return cleanUp ? CLEAN_UP.reduce((t, [from, to]) => t.replaceAll(from, to), text) : text;
  }

  encodeForModel(text: string | ArrayLike<number>, maxLength: number): ModelText {
    if (!Number.isInteger(maxLength) || maxLength < 3) {
      throw new TokenizerError({
        code: 'tokenizer/max-length',
        where: 'encodeForModel',
        expected: 'a maxLength of at least 3 (<s>, one piece, </s>)',
        got: `${maxLength}`,
      });
    }
    const pieces = typeof text === 'string' ? this.encode(text) : text;
    if (pieces.length === 0) {
      throw new TokenizerError({
        code: 'tokenizer/empty-text',
        where: 'encodeForModel',
        expected: 'at least one piece',
        got: typeof text === 'string' ? `the text ${JSON.stringify(text)}` : 'no ids',
        fix: 'Leave out texts that are empty or only white space.',
      });
    }
    const ids = new Int32Array(maxLength).fill(this.padId);
    const paddingMask = new Int32Array(maxLength).fill(1);
    const length = Math.min(pieces.length, maxLength - 2) + 2;
    for (let i = 0; i < pieces.length; i++) {
      const id = pieces[i]!;
      this.#check('encodeForModel', id);
      if (i < length - 2) ids[i + 1] = id;
    }
    ids[0] = this.bosId;
    ids[length - 1] = this.eosId;
    paddingMask.fill(0, 0, length);
    return { ids, paddingMask, length };
  }

  normalize(text: string): string {
    return this.#model.normalize(text);
  }

  idToPiece(id: number): string {
    this.#check('idToPiece', id);
    if (id === this.maskId) return MASK;
    return SPECIAL[id] ?? this.#model.idToPiece(id - 1);
  }

  pieceToId(piece: string): number | undefined {
    if (piece === MASK) return this.maskId;
    const special = SPECIAL.indexOf(piece);
    if (special >= 0) return special;
    const id = this.#model.pieceToId(piece);
    return id === undefined ? undefined : id + 1;
  }

  #encodePlain(text: string, shift: number): TextPiece[] {
    return this.#model.encode(text).map(({ id, piece, start, end }) => ({
      // Piece 0 of the file is the unknown one; 1 and 2 are control pieces, which text never gives.
      id: id === 0 ? this.unkId : id + 1,
      piece,
      start: start + shift,
      end: end + shift,
    }));
  }

  #check(where: string, id: number): void {
    if (Number.isInteger(id) && id >= 0 && id < this.vocabSize) return;
    throw new TokenizerError({
      code: 'tokenizer/wrong-vocabulary',
      where,
      expected: `ids from 0 to ${this.vocabSize - 1}, the vocabulary of this tokenizer`,
      got: `${id}`,
      fix: 'The ids come from another vocabulary: this is the wrong one for them.',
    });
  }
}

function isSpace(character: string | undefined): boolean {
  return character !== undefined && SPACE.test(character);
}

function strip(text: string): string {
  let [start, end] = [0, text.length];
  while (start < end && isSpace(text[start])) start++;
  while (end > start && isSpace(text[end - 1])) end--;
  return text.slice(start, end);
}

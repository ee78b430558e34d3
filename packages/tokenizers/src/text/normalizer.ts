import { Charsmap } from './charsmap.js';
import type { NormalizerSpec } from './model-proto.js';

/** U+2581, which stands for a space in pieces, in UTF-8. */
const META: readonly [number, number, number] = [0xe2, 0x96, 0x81];
const SPACE = 0x20;

/** Normalised text and where each of its bytes comes from. */
export interface NormalizedText {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  /** For byte `i` the UTF-16 index in the original text; one more entry for the end. */
  readonly origins: Int32Array;
}

/** Length of a literal that starts at `at` and is to stay as it is; 0 for none. */
export type LiteralMatcher = (bytes: Uint8Array, at: number) => number;

/**
 * SentencePiece's normalisation: the longest rule of the stored character map at every place, then
 * white space stripped, collapsed and written as U+2581, one of which is put in front.
 *
 * A surrogate without its partner counts as U+FFFD.
 */
export class Normalizer {
  readonly #spec: NormalizerSpec;
  readonly #charsmap: Charsmap | undefined;
  readonly #literal: LiteralMatcher | undefined;
  #out: Uint8Array = new Uint8Array(256);
  #origins: Int32Array = new Int32Array(257);
  #size = 0;
  /** What the last `#prefix` gives: a replacement, and how many bytes of the text it stands for. */
  #source: Uint8Array = this.#out;
  #from = 0;
  #to = 0;
  #consumed = 0;

  constructor(spec: NormalizerSpec, literal?: LiteralMatcher) {
    this.#spec = spec;
    this.#charsmap = spec.charsmap.length > 0 ? new Charsmap(spec.charsmap) : undefined;
    this.#literal = literal;
  }

  normalize(text: string): NormalizedText {
    const input = new TextEncoder().encode(text);
    const { addDummyPrefix, removeExtraWhitespaces } = this.#spec;
    this.#size = 0;
    let at = 0;
    let origin = 0;
    const advance = (): void => {
      origin += utf16Length(input, at, at + this.#consumed);
      at += this.#consumed;
    };
    if (removeExtraWhitespaces) {
      while (at < input.length) {
        this.#prefix(input, at);
        if (this.#to - this.#from !== 1 || this.#source[this.#from] !== SPACE) break;
        advance();
      }
    }
    if (at < input.length) {
      if (addDummyPrefix) this.#pushMeta(origin);
      let afterSpace = removeExtraWhitespaces;
      while (at < input.length) {
        this.#prefix(input, at);
        let from = this.#from;
        while (afterSpace && from < this.#to && this.#source[from] === SPACE) from++;
        if (from < this.#to) {
          for (let i = from; i < this.#to; i++) {
            if (this.#source[i] === SPACE) this.#pushMeta(origin);
            else this.#push(this.#source[i]!, origin);
          }
          afterSpace = removeExtraWhitespaces && this.#source[this.#to - 1] === SPACE;
        }
        advance();
      }
      if (removeExtraWhitespaces) {
        while (this.#endsWithMeta()) {
          this.#size -= META.length;
          origin = this.#origins[this.#size]!;
        }
      }
    }
    const origins = this.#origins.slice(0, this.#size + 1);
    origins[this.#size] = origin;
    return { bytes: this.#out.slice(0, this.#size), origins };
  }

  #prefix(input: Uint8Array, at: number): void {
    const literal = this.#literal?.(input, at) ?? 0;
    const map = this.#charsmap;
    if (literal === 0 && map?.match(input, at)) {
      this.#source = map.texts;
      this.#from = map.replacementStart;
      this.#to = map.replacementEnd;
      this.#consumed = map.matchLength;
      return;
    }
    this.#consumed = literal || characterLength(input[at]!);
    this.#source = input;
    this.#from = at;
    this.#to = at + this.#consumed;
  }

  #push(byte: number, origin: number): void {
    if (this.#size === this.#out.length) {
      const out = new Uint8Array(this.#size * 2);
      out.set(this.#out);
      this.#out = out;
      const origins = new Int32Array(this.#size * 2 + 1);
      origins.set(this.#origins);
      this.#origins = origins;
    }
    this.#origins[this.#size] = origin;
    this.#out[this.#size++] = byte;
  }

  #pushMeta(origin: number): void {
    for (const byte of META) this.#push(byte, origin);
  }

  #endsWithMeta(): boolean {
    const start = this.#size - META.length;
    return start >= 0 && META.every((byte, i) => this.#out[start + i] === byte);
  }
}

/** Bytes of the UTF-8 character with this first byte. */
export function characterLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

/** UTF-16 code units of a range of whole UTF-8 characters. */
function utf16Length(bytes: Uint8Array, start: number, end: number): number {
  let units = 0;
  for (let i = start; i < end; i++) {
    const byte = bytes[i]!;
    if (byte >= 0xf0) units += 2;
    else if ((byte & 0xc0) !== 0x80) units++;
  }
  return units;
}

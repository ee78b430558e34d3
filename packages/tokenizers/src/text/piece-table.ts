import type { TokenizerError } from '@imglish/core';
import { corrupt, unsupported } from './proto.js';

/** What a piece is for; the numbers are those of the file format. */
export const PIECE_TYPE: {
  normal: 1;
  unknown: 2;
  control: 3;
  userDefined: 4;
  unused: 5;
  byte: 6;
} = { normal: 1, unknown: 2, control: 3, userDefined: 4, unused: 5, byte: 6 };

/** Control pieces are a handful in real models; a bound keeps their map small. */
const MAX_RESERVED = 4096;

const decoder: TextDecoder = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The pieces of a vocabulary, by id and in the byte order of their text.
 *
 * Looking for the pieces that start at a place of a text narrows a range of that order byte by byte.
 * That needs 4 bytes a piece where a trie needs some 10 bytes a *byte*, which is what keeps the memory
 * of a hostile file in proportion to its size.
 */
export class PieceTable {
  readonly size: number;
  readonly scores: Float32Array;
  readonly types: Uint8Array;
  /** Texts of all pieces one after the other; piece `i` is `starts[i] … starts[i + 1]`. */
  readonly text: Uint8Array;
  readonly starts: Uint32Array;
  /** Ids of the pieces that text can match (normal, user-defined, unused), in byte order. */
  readonly order: Int32Array;
  /** `order` from `firstByte[b]` to `firstByte[b + 1]`: pieces whose first byte is `b`. */
  readonly firstByte: Int32Array;
  readonly #reserved: Map<string, number> = new Map();

  constructor(text: Uint8Array, starts: Uint32Array, scores: Float32Array, types: Uint8Array) {
    this.size = scores.length;
    this.text = text;
    this.starts = starts;
    this.scores = scores;
    this.types = types;
    const isMatched = (type: number): boolean =>
      type === PIECE_TYPE.normal || type === PIECE_TYPE.userDefined || type === PIECE_TYPE.unused;
    let matched = 0;
    for (let id = 0; id < this.size; id++) {
      if (isMatched(types[id]!)) {
        matched++;
        continue;
      }
      const piece = this.piece(id);
      if (this.#reserved.has(piece)) throw duplicate(piece);
      if (this.#reserved.size === MAX_RESERVED) {
        throw unsupported(`at most ${MAX_RESERVED} control pieces`, 'more');
      }
      this.#reserved.set(piece, id);
    }
    this.order = new Int32Array(matched);
    for (let id = 0, n = 0; id < this.size; id++) if (isMatched(types[id]!)) this.order[n++] = id;
    this.#sort(0, matched, 0);
    this.firstByte = new Int32Array(257);
    for (let n = 0; n < matched; n++) {
      const id = this.order[n]!;
      if (n > 0 && this.#compare(this.order[n - 1]!, id) === 0) {
        throw duplicate(this.piece(id));
      }
      this.firstByte[text[starts[id]!]! + 1]!++;
    }
    for (let b = 0; b < 256; b++) this.firstByte[b + 1]! += this.firstByte[b]!;
  }

  /** Text of a piece. */
  piece(id: number): string {
    return decoder.decode(this.text.subarray(this.starts[id]!, this.starts[id + 1]!));
  }

  /** Id of the piece with this text, or -1; control and unknown pieces come before normal ones. */
  find(piece: string): number {
    const reserved = this.#reserved.get(piece);
    if (reserved !== undefined) return reserved;
    const bytes = new TextEncoder().encode(piece);
    if (bytes.length === 0) return -1;
    let low = this.firstByte[bytes[0]!]!;
    let high = this.firstByte[bytes[0]! + 1]!;
    for (let depth = 1; low < high; depth++) {
      const id = this.order[low]!;
      if (this.starts[id + 1]! - this.starts[id]! === depth) {
        if (depth === bytes.length) return id;
        low++;
      }
      if (depth === bytes.length) return -1;
      low = this.lowerBound(low, high, depth, bytes[depth]!);
      high = this.lowerBound(low, high, depth, bytes[depth]! + 1);
    }
    return -1;
  }

  /** First `n` in `low … high` whose piece `order[n]`, longer than `depth`, has a byte ≥ `byte` there. */
  lowerBound(low: number, high: number, depth: number, byte: number): number {
    let from = low;
    let to = high;
    while (from < to) {
      const middle = (from + to) >>> 1;
      if (this.text[this.starts[this.order[middle]!]! + depth]! < byte) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  /**
   * Brings `order[low … high]`, pieces that agree in their first `depth` bytes, into byte order: quicksort
   * with three parts by the byte at `depth` (Bentley and Sedgewick, "Fast algorithms for sorting and
   * searching strings", 1997), where the middle part goes on with the next byte.
   */
  #sort(low: number, high: number, depth: number): void {
    const { order } = this;
    let from = low;
    let to = high;
    let at = depth;
    while (to - from > 1) {
      const pivot = this.#byteAt(order[(from + to) >>> 1]!, at);
      let less = from;
      let more = to;
      for (let i = from; i < more; ) {
        const id = order[i]!;
        const byte = this.#byteAt(id, at);
        if (byte < pivot) {
          order[i++] = order[less]!;
          order[less++] = id;
        } else if (byte > pivot) {
          order[i] = order[--more]!;
          order[more] = id;
        } else i++;
      }
      // Each level of recursion leaves out at least one of 257 values, so the stack stays shallow.
      if (pivot < 0) {
        from = more;
        continue;
      }
      this.#sort(from, less, at);
      this.#sort(more, to, at);
      from = less;
      to = more;
      at++;
    }
  }

  /** Byte of a piece, or -1 past its end. */
  #byteAt(id: number, depth: number): number {
    const at = this.starts[id]! + depth;
    return at < this.starts[id + 1]! ? this.text[at]! : -1;
  }

  #compare(a: number, b: number): number {
    const startA = this.starts[a]!;
    const startB = this.starts[b]!;
    const lengthA = this.starts[a + 1]! - startA;
    const lengthB = this.starts[b + 1]! - startB;
    const shared = Math.min(lengthA, lengthB);
    for (let i = 0; i < shared; i++) {
      const difference = this.text[startA + i]! - this.text[startB + i]!;
      if (difference !== 0) return difference;
    }
    return lengthA - lengthB;
  }
}

/** Steps through the pieces that a text has at one place, from the shortest to the longest. */
export class PrefixSearch {
  /** The piece that `next` found. */
  id = -1;
  /** Its bytes. */
  length = 0;
  readonly #table: PieceTable;
  #bytes: Uint8Array = new Uint8Array(0);
  #at = 0;
  #low = 0;
  #high = 0;
  #depth = 0;

  constructor(table: PieceTable) {
    this.#table = table;
  }

  start(bytes: Uint8Array, at: number): void {
    this.#bytes = bytes;
    this.#at = at;
    this.#depth = 0;
    this.#low = 0;
    this.#high = this.#table.order.length;
  }

  next(): boolean {
    const { order, starts, text, firstByte } = this.#table;
    const bytes = this.#bytes;
    while (this.#low < this.#high) {
      const at = this.#at + this.#depth;
      if (at >= bytes.length) return false;
      const byte = bytes[at]!;
      if (this.#depth === 0) {
        this.#low = firstByte[byte]!;
        this.#high = firstByte[byte + 1]!;
      } else if (this.#high - this.#low === 1) {
        if (text[starts[order[this.#low]!]! + this.#depth] !== byte) return false;
      } else {
        this.#low = this.#table.lowerBound(this.#low, this.#high, this.#depth, byte);
        this.#high = this.#table.lowerBound(this.#low, this.#high, this.#depth, byte + 1);
      }
      this.#depth++;
      if (this.#low >= this.#high) return false;
      const id = order[this.#low]!;
      if (starts[id + 1]! - starts[id]! === this.#depth) {
        this.#low++;
        this.id = id;
        this.length = this.#depth;
        return true;
      }
    }
    return false;
  }
}

function duplicate(piece: string): TokenizerError {
  return corrupt('every piece once', `the piece ${JSON.stringify(piece)} twice`);
}

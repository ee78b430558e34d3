import { TokenizerError } from '@imglish/core';

/** The wire types of protocol buffers that a SentencePiece model uses. */
export const WIRE: { varint: 0; fixed64: 1; bytes: 2; fixed32: 5 } = {
  varint: 0,
  fixed64: 1,
  bytes: 2,
  fixed32: 5,
};

/**
 * Steps through the fields of one protocol buffer message without copying.
 *
 * Every length is checked against the end of the message before it is used, so a broken file ends in
 * a `TokenizerError` (`tokenizer/corrupt-model`) and never in a large allocation.
 */
export class ProtoReader {
  /** Number and wire type of the field that `next` stopped at. */
  field = 0;
  wire = 0;
  /** Where the payload of the field lies; of a varint, `start === end`. */
  start = 0;
  end = 0;
  /** Value of a varint field. */
  value = 0;
  readonly #bytes: Uint8Array;
  readonly #limit: number;
  #at: number;

  constructor(bytes: Uint8Array, start = 0, end: number = bytes.length) {
    this.#bytes = bytes;
    this.#at = start;
    this.#limit = end;
  }

  /** Moves on to the next field; false at the end of the message. */
  next(): boolean {
    if (this.#at >= this.#limit) return false;
    const key = this.#varint();
    this.field = Math.floor(key / 8);
    this.wire = key % 8;
    if (this.field < 1 || this.field > 0x1fffffff) {
      throw corrupt('a field number from 1 to 536870911', `${this.field} at byte ${this.#at}`);
    }
    let length = 0;
    if (this.wire === WIRE.varint) {
      this.value = this.#varint();
    } else if (this.wire === WIRE.bytes) {
      length = this.#varint();
    } else if (this.wire === WIRE.fixed32) {
      length = 4;
    } else if (this.wire === WIRE.fixed64) {
      length = 8;
    } else {
      throw corrupt('wire type 0, 1, 2 or 5', `${this.wire} at byte ${this.#at}`);
    }
    if (length > this.#limit - this.#at) {
      throw corrupt(
        `at most ${this.#limit - this.#at} bytes in field ${this.field}`,
        `a length of ${length}`,
      );
    }
    this.start = this.#at;
    this.end = this.#at + length;
    this.#at = this.end;
    return true;
  }

  /** Throws unless the current field has the wire type that its place in the message asks for. */
  expect(wire: number, name: string): void {
    if (this.wire !== wire) throw corrupt(`wire type ${wire} for ${name}`, `${this.wire}`);
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 10; i++) {
      if (this.#at >= this.#limit) throw corrupt('a complete varint', 'the end of the message');
      const byte = this.#bytes[this.#at++]!;
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 128;
    }
    throw corrupt('a varint of at most 10 bytes', `a longer one at byte ${this.#at}`);
  }
}

/** Appends the fields of one protocol buffer message. */
export class ProtoWriter {
  #bytes: Uint8Array = new Uint8Array(256);
  #size = 0;

  varint(field: number, value: number): this {
    this.#number(field * 8 + WIRE.varint);
    this.#number(value);
    return this;
  }

  float(field: number, value: number): this {
    this.#number(field * 8 + WIRE.fixed32);
    this.#reserve(4);
    new DataView(this.#bytes.buffer).setFloat32(this.#size, value, true);
    this.#size += 4;
    return this;
  }

  bytes(field: number, value: Uint8Array): this {
    this.#number(field * 8 + WIRE.bytes);
    this.#number(value.length);
    this.#reserve(value.length);
    this.#bytes.set(value, this.#size);
    this.#size += value.length;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, new TextEncoder().encode(value));
  }

  finish(): Uint8Array {
    return this.#bytes.slice(0, this.#size);
  }

  #number(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#size++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#size++] = rest;
  }

  #reserve(extra: number): void {
    if (this.#size + extra <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#size + extra));
    grown.set(this.#bytes.subarray(0, this.#size));
    this.#bytes = grown;
  }
}

/** The error of bytes that are no SentencePiece model. */
export function corrupt(expected: string, got: string, cause?: unknown): TokenizerError {
  return new TokenizerError({
    code: 'tokenizer/corrupt-model',
    where: 'readModel',
    expected,
    got,
    fix: 'The file is damaged or no SentencePiece model (.spm, .model); fetch or train it again.',
    cause,
  });
}

/** The error of a sound model that asks for something this tokenizer does not do. */
export function unsupported(expected: string, got: string): TokenizerError {
  return new TokenizerError({
    code: 'tokenizer/unsupported-model',
    where: 'readModel',
    expected,
    got,
    fix: 'Train a unigram model with the default white-space options and without byte fallback.',
  });
}

import { corrupt } from '../image-error.js';

const FAST_BITS = 9;

/** A Huffman code as a DHT segment gives it (ITU-T T.81, annex C). */
export class HuffmanTable {
  /** By the first nine bits: length << 8 | symbol, 0 where the code is longer. */
  private readonly fast = new Uint16Array(1 << FAST_BITS);
  /** By length: one more than the last code, aligned to 16 bits. */
  private readonly limit = new Uint32Array(17);
  /** By length: index of the first symbol − first code. */
  private readonly offset = new Int32Array(17);

  /**
   * `counts[l − 1]` codes of length l = 1 … 16, their `symbols` in order. Refuses counts that no
   * prefix code has.
   */
  constructor(
    counts: Uint8Array,
    private readonly symbols: Uint8Array,
  ) {
    let code = 0;
    let index = 0;
    for (let length = 1; length <= 16; length++) {
      const count = counts[length - 1]!;
      if (code + count > 1 << length) {
        corrupt('decodeJpeg', 'a Huffman code', `too many codes of ${length} bits`);
      }
      this.offset[length] = index - code;
      for (let i = 0; i < count; i++, index++, code++) {
        if (length > FAST_BITS) continue;
        const first = code << (FAST_BITS - length);
        this.fast.fill((length << 8) | symbols[index]!, first, first + (1 << (FAST_BITS - length)));
      }
      this.limit[length] = code << (16 - length);
      code <<= 1;
    }
  }

  /** Length << 8 | symbol for the code that the 16 lowest bits of `bits` start with; 0 if none. */
  lookup(bits: number): number {
    const next = bits & 0xffff;
    const entry = this.fast[next >> (16 - FAST_BITS)]!;
    if (entry !== 0) return entry;
    for (let length = FAST_BITS + 1; length <= 16; length++) {
      if (next < this.limit[length]!) {
        return (length << 8) | this.symbols[(next >> (16 - length)) + this.offset[length]!]!;
      }
    }
    return 0;
  }
}

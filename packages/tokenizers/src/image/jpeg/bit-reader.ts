import { corrupt, truncated } from '../image-error.js';
import type { HuffmanTable } from './huffman-table.js';

/** Reads the entropy-coded bits of a scan, highest bit first; a byte 0xff is followed by a 0. */
export class BitReader {
  private buffer = 0;
  private available = 0;
  /** Bits in `buffer` past the end of the segment: zeros that nobody wrote. */
  private invented = 0;

  constructor(
    private readonly bytes: Uint8Array,
    /** Where the next byte is read. */
    public position: number,
  ) {}

  /** `n` bits (0 … 16) as an unsigned number. */
  bits(n: number): number {
    if (n === 0) return 0;
    if (this.available < n) this.fill();
    this.available -= n;
    return (this.buffer >>> this.available) & ((1 << n) - 1);
  }

  /**
   * `n` bits as the standard's EXTEND reads them: those that start with 1 are positive, those that
   * start with 0 stand for themselves − (2ⁿ − 1).
   */
  signed(n: number): number {
    const value = this.bits(n);
    return n === 0 || value >> (n - 1) ? value : value - (1 << n) + 1;
  }

  /** The next symbol of a Huffman code. */
  symbol(table: HuffmanTable): number {
    if (this.available < 16) this.fill();
    const entry = table.lookup(this.buffer >>> (this.available - 16));
    if (entry === 0) corrupt('decodeJpeg', 'a code of the Huffman table', 'none');
    this.available -= entry >> 8;
    return entry & 0xff;
  }

  /** Drops what is left of the last byte and checks that no bit was made up. */
  finishSegment(): void {
    this.checkWritten();
    this.available = 0;
    this.invented = 0;
  }

  /** Steps over RST0 … RST7, which must come next. */
  restart(index: number): void {
    this.finishSegment();
    const expected = 0xd0 + (index & 7);
    while (this.bytes[this.position] === 0xff && this.bytes[this.position + 1] === 0xff) {
      this.position++;
    }
    if (this.position + 2 > this.bytes.length) truncated('decodeJpeg', 'a restart marker');
    if (this.bytes[this.position] !== 0xff || this.bytes[this.position + 1] !== expected) {
      corrupt('decodeJpeg', `restart marker ${index & 7}`, 'something else');
    }
    this.position += 2;
  }

  private fill(): void {
    this.checkWritten();
    while (this.available <= 16) {
      let byte = this.bytes[this.position];
      if (byte === 0xff && this.bytes[this.position + 1] === 0) this.position += 2;
      else if (byte === undefined || byte === 0xff) {
        byte = 0;
        this.invented += 8;
      } else this.position++;
      this.buffer = (this.buffer << 8) | byte;
      this.available += 8;
    }
  }

  private checkWritten(): void {
    if (this.available >= this.invented) return;
    if (this.position + 1 >= this.bytes.length) truncated('decodeJpeg', 'the rest of a scan');
    corrupt('decodeJpeg', 'the rest of a scan', 'a marker');
  }
}

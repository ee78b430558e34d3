import { corrupt, truncated } from '../image-error.js';

const WHERE = 'decodePng';
/** How far back a copy may reach. */
const WINDOW = 1 << 15;
/** Output kept at a time; what is older than the window has been handed on. */
const BUFFER = 2 * WINDOW;
const LONGEST_COPY = 258;
/** Order in which a dynamic block gives the lengths of the code for code lengths. */
const CODE_LENGTH_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];

/**
 * Inflates a zlib stream that lies in `parts`, handing on the output in pieces of up to 64 KiB that
 * are valid during the call; ends with the stream, or as soon as `emit` returns false.
 *
 * Takes 100 KB, however much comes out, and allocates nothing per piece: that is why it is not a
 * library's. The checksum at the end is not read, since the chunks of a PNG have their own. Errors:
 * `ImageError` `image/corrupt`, `image/truncated`. Source: RFC 1950, RFC 1951.
 */
export function inflate(parts: readonly Uint8Array[], emit: (bytes: Uint8Array) => boolean): void {
  new Inflater(parts, emit).run();
}

class Inflater {
  private part: Uint8Array = new Uint8Array(0);
  private nextPart = 0;
  private position = 0;
  private bits = 0;
  private bitCount = 0;
  private readonly output = new Uint8Array(BUFFER + LONGEST_COPY);
  private end = 0;
  private emitted = 0;
  private wanted = true;

  constructor(
    private readonly parts: readonly Uint8Array[],
    private readonly emit: (bytes: Uint8Array) => boolean,
  ) {}

  run(): void {
    const method = this.take(8);
    const flags = this.take(8);
    const sound = (method & 15) === 8 && method >> 4 <= 7 && (method * 256 + flags) % 31 === 0;
    if (!sound || flags & 0x20) corrupt(WHERE, 'a zlib stream', `header ${method}, ${flags}`);
    for (let last = 0; !last && this.wanted; ) {
      last = this.take(1);
      const type = this.take(2);
      if (type === 0) this.stored();
      else if (type === 1) this.compressed(fixedLengths(), fixedDistances());
      else if (type === 2) this.dynamic();
      else corrupt(WHERE, 'a block of DEFLATE', 'type 3');
    }
    this.flush();
  }

  private stored(): void {
    this.bits = 0;
    this.bitCount = 0;
    let length = this.take(16);
    if ((this.take(16) ^ 0xffff) !== length) corrupt(WHERE, 'a stored block', 'a wrong length');
    while (length > 0 && this.wanted) {
      if (this.position === this.part.length) this.openPart();
      const space = BUFFER - this.end;
      const n = Math.min(length, this.part.length - this.position, space);
      this.output.set(this.part.subarray(this.position, this.position + n), this.end);
      this.position += n;
      this.end += n;
      length -= n;
      if (this.end >= BUFFER) this.flush();
    }
  }

  private dynamic(): void {
    const lengthCodes = this.take(5) + 257;
    const distanceCodes = this.take(5) + 1;
    const given = this.take(4) + 4;
    if (lengthCodes > 286 || distanceCodes > 30)
      corrupt(WHERE, 'a DEFLATE code', 'too many symbols');
    const order = new Uint8Array(19);
    for (let i = 0; i < given; i++) order[CODE_LENGTH_ORDER[i]!] = this.take(3);
    const code = new PrefixCode(order);
    const lengths = new Uint8Array(lengthCodes + distanceCodes);
    for (let i = 0; i < lengths.length; ) {
      const symbol = this.symbol(code);
      if (symbol < 16) {
        lengths[i++] = symbol;
        continue;
      }
      if (symbol === 16 && i === 0) corrupt(WHERE, 'a DEFLATE code', 'a repeat of nothing');
      const value = symbol === 16 ? lengths[i - 1]! : 0;
      const count =
        symbol === 16 ? 3 + this.take(2) : symbol === 17 ? 3 + this.take(3) : 11 + this.take(7);
      if (i + count > lengths.length) corrupt(WHERE, 'a DEFLATE code', 'too many lengths');
      lengths.fill(value, i, i + count);
      i += count;
    }
    this.compressed(
      new PrefixCode(lengths.subarray(0, lengthCodes)),
      new PrefixCode(lengths.subarray(lengthCodes)),
    );
  }

  private compressed(lengths: PrefixCode, distances: PrefixCode): void {
    const { output } = this;
    while (this.wanted) {
      const symbol = this.symbol(lengths);
      if (symbol < 256) output[this.end++] = symbol;
      else if (symbol === 256) return;
      else {
        const length = this.copyLength(symbol - 257);
        const distance = this.copyDistance(this.symbol(distances));
        if (distance > this.end) corrupt(WHERE, 'a copy of what came before', 'one from earlier');
        const to = this.end + length;
        for (let from = this.end - distance; this.end < to; ) output[this.end++] = output[from++]!;
      }
      if (this.end >= BUFFER) this.flush();
    }
  }

  /** Lengths 3 … 258: four codes for each number of extra bits, except the first and the last. */
  private copyLength(code: number): number {
    if (code < 8) return code + 3;
    if (code === 28) return LONGEST_COPY;
    if (code > 28) corrupt(WHERE, 'a copy length', `code ${code}`);
    const extra = (code >> 2) - 1;
    return ((4 + (code & 3)) << extra) + 3 + this.take(extra);
  }

  /** Distances 1 … 32768: two codes for each number of extra bits, except the first. */
  private copyDistance(code: number): number {
    if (code < 4) return code + 1;
    if (code > 29) corrupt(WHERE, 'a copy distance', `code ${code}`);
    const extra = (code >> 1) - 1;
    return ((2 + (code & 1)) << extra) + 1 + this.take(extra);
  }

  private take(n: number): number {
    while (this.bitCount < n) this.addByte(true);
    const value = this.bits & ((1 << n) - 1);
    this.bits >>>= n;
    this.bitCount -= n;
    return value;
  }

  private symbol(code: PrefixCode): number {
    // A code may be shorter than what is asked for here, so the stream may end within.
    while (this.bitCount < 15 && this.addByte(false));
    const entry = code.lookup(this.bits);
    const length = entry & 15;
    if (length > this.bitCount) truncated(WHERE, 'the rest of the rows');
    if (length === 0) corrupt(WHERE, 'a symbol of a DEFLATE code', 'none');
    this.bits >>>= length;
    this.bitCount -= length;
    return entry >> 4;
  }

  private addByte(required: boolean): boolean {
    if (this.position === this.part.length) {
      if (!required && this.nextPart === this.parts.length) return false;
      this.openPart();
    }
    this.bits |= this.part[this.position++]! << this.bitCount;
    this.bitCount += 8;
    return true;
  }

  private openPart(): void {
    do {
      const part = this.parts[this.nextPart++];
      if (!part) truncated(WHERE, 'the rest of the rows');
      this.part = part;
      this.position = 0;
    } while (this.part.length === 0);
  }

  private flush(): void {
    if (this.end > this.emitted)
      this.wanted = this.emit(this.output.subarray(this.emitted, this.end));
    const keep = Math.min(this.end, WINDOW);
    this.output.copyWithin(0, this.end - keep, this.end);
    this.end = keep;
    this.emitted = keep;
  }
}

const FAST_BITS = 10;

/** A canonical prefix code, read from the lowest bit up. */
class PrefixCode {
  /** By the next ten bits: symbol << 4 | length, 0 where the code is longer. */
  private readonly fast = new Uint16Array(1 << FAST_BITS);
  /** How many codes have each length. */
  private readonly counts = new Uint16Array(16);
  /** Symbols by code. */
  private readonly symbols: Uint16Array;

  constructor(lengths: Uint8Array) {
    for (const length of lengths) this.counts[length] = this.counts[length]! + 1;
    this.counts[0] = 0;
    const nextCode = new Uint16Array(16);
    const nextIndex = new Uint16Array(16);
    let code = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      nextCode[length] = code;
      nextIndex[length] = index;
      code += this.counts[length]!;
      index += this.counts[length]!;
      if (code > 1 << length) corrupt(WHERE, 'a DEFLATE code', `too many of ${length} bits`);
      code <<= 1;
    }
    this.symbols = new Uint16Array(index);
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      const length = lengths[symbol]!;
      if (length === 0) continue;
      this.symbols[nextIndex[length]!++] = symbol;
      let reversed = 0;
      for (let bit = 0, rest = nextCode[length]!++; bit < length; bit++, rest >>= 1) {
        reversed = (reversed << 1) | (rest & 1);
      }
      if (length > FAST_BITS) continue;
      for (; reversed < 1 << FAST_BITS; reversed += 1 << length) {
        this.fast[reversed] = (symbol << 4) | length;
      }
    }
  }

  /** Symbol << 4 | length of the code that `bits` start with; 0 if there is none. */
  lookup(bits: number): number {
    const entry = this.fast[bits & ((1 << FAST_BITS) - 1)]!;
    if (entry !== 0) return entry;
    let code = 0;
    let first = 0;
    let index = 0;
    for (let length = 1; length < 16; length++) {
      code |= (bits >> (length - 1)) & 1;
      const count = this.counts[length]!;
      if (code - first < count) return (this.symbols[index + code - first]! << 4) | length;
      index += count;
      first = (first + count) << 1;
      code <<= 1;
    }
    return 0;
  }
}

function fixedLengths(): PrefixCode {
  const lengths = new Uint8Array(288).fill(8, 0, 144).fill(9, 144, 256).fill(7, 256, 280);
  return new PrefixCode(lengths.fill(8, 280));
}

function fixedDistances(): PrefixCode {
  return new PrefixCode(new Uint8Array(30).fill(5));
}

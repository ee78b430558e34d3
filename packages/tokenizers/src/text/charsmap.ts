import { corrupt } from './proto.js';

/** No rule of `nmt_nfkc` writes more than 33 bytes; a bound keeps a damaged table from flooding memory. */
const MAX_REPLACEMENT_BYTES = 1024;

/**
 * The normalisation rules stored in a SentencePiece model: a map from byte strings to byte strings,
 * of which the longest that fits at a place is applied.
 *
 * Layout: `uint32 size`, then `size` bytes of a double-array trie (little-endian 32-bit units as in
 * Darts-clone), then the replacements, each ended by a zero byte. The value of a key is where its
 * replacement starts.
 */
export class Charsmap {
  /** Of the last `match`: bytes of the text it covers, and where its replacement lies in `texts`. */
  matchLength = 0;
  replacementStart = 0;
  replacementEnd = 0;
  readonly texts: Uint8Array;
  readonly #units: Uint32Array;

  constructor(blob: Uint8Array) {
    const view = new DataView(blob.buffer, blob.byteOffset, blob.byteLength);
    const trieBytes = blob.length > 4 ? view.getUint32(0, true) : 0;
    if (trieBytes === 0 || trieBytes % 4 !== 0 || trieBytes >= blob.length - 4) {
      throw corrupt('a charsmap with a trie and replacements', `${blob.length} bytes`);
    }
    this.#units = new Uint32Array(trieBytes / 4);
    for (let i = 0; i < this.#units.length; i++) {
      this.#units[i] = view.getUint32(4 + 4 * i, true);
    }
    this.texts = blob.slice(4 + trieBytes);
    if (this.texts[this.texts.length - 1] !== 0) {
      throw corrupt('charsmap replacements that end in a zero byte', 'another byte');
    }
    try {
      new TextDecoder('utf-8', { fatal: true }).decode(this.texts);
    } catch (cause) {
      throw corrupt('charsmap replacements in UTF-8', 'other bytes', cause);
    }
  }

  /** Finds the longest rule for what starts at `at`; false, with `matchLength` 0, where none fits. */
  match(bytes: Uint8Array, at: number): boolean {
    this.matchLength = 0;
    const units = this.#units;
    let node = offset(units[0]!);
    let value = 0;
    for (let i = at; i < bytes.length; i++) {
      const byte = bytes[i]!;
      // A zero label is the edge to a key's value; text may hold NUL, keys may not.
      if (byte === 0) break;
      node ^= byte;
      const unit = this.#unit(node);
      if ((unit & 0x800000ff) >>> 0 !== byte) break;
      node ^= offset(unit);
      if ((unit >>> 8) & 1) {
        value = this.#unit(node) & 0x7fffffff;
        this.matchLength = i - at + 1;
      }
    }
    if (this.matchLength === 0) return false;
    const next = bytes[at + this.matchLength];
    if (next !== undefined && (next & 0xc0) === 0x80) {
      throw corrupt('charsmap keys of whole characters', 'one that ends within a character');
    }
    this.#replacement(value);
    return true;
  }

  #unit(node: number): number {
    const unit = this.#units[node];
    if (unit === undefined) throw corrupt('charsmap links within the trie', `one to unit ${node}`);
    return unit;
  }

  #replacement(start: number): void {
    const { texts } = this;
    if (start >= texts.length || (texts[start]! & 0xc0) === 0x80) {
      throw corrupt('charsmap values at the start of a replacement', `offset ${start}`);
    }
    const end = texts.indexOf(0, start);
    if (end - start > MAX_REPLACEMENT_BYTES) {
      throw corrupt(
        `charsmap replacements of at most ${MAX_REPLACEMENT_BYTES} bytes`,
        `${end - start} bytes`,
      );
    }
    this.replacementStart = start;
    this.replacementEnd = end;
  }
}

/** Where the children of a unit lie, to be combined with its own place by exclusive or. */
function offset(unit: number): number {
  return (unit >>> 10) << ((unit & 0x200) >>> 6);
}

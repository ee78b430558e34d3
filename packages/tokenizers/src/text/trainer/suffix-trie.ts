import { BOUNDARY } from './corpus.js';
import type { Candidates } from './seed.js';

/** A trie over the candidates read from their last character to their first. */
export class SuffixTrie {
  readonly #alphabetSize: number;
  #keys: Float64Array = new Float64Array(1 << 12).fill(-1);
  #children: Int32Array = new Int32Array(1 << 12);
  #candidates: Int32Array = new Int32Array(1 << 12).fill(-1);
  #nodes = 1;

  constructor(codes: Int32Array, { starts, lengths }: Candidates) {
    this.#alphabetSize = codes.reduce((largest, code) => Math.max(largest, code), 0) + 1;
    for (let id = 0; id < starts.length; id++) {
      let node = 0;
      for (let i = starts[id]! + lengths[id]! - 1; i >= starts[id]!; i--) {
        node = this.#insert(node, codes[i]!);
      }
      this.#candidates[node] = id;
    }
  }

  /** The node reached from `node` by `code`, or 0. */
  child(node: number, code: number): number {
    return code === BOUNDARY ? 0 : this.#children[this.#slot(node, code)]!;
  }

  /** The candidate that ends at a node, or -1. */
  candidate(node: number): number {
    return this.#candidates[node]!;
  }

  #slot(node: number, code: number): number {
    const key = node * this.#alphabetSize + code;
    const mask = this.#keys.length - 1;
    let slot = (Math.imul(node, 0x9e3779b1) ^ Math.imul(code, 0x85ebca6b)) & mask;
    slot = (slot ^ (slot >>> 7)) & mask;
    while (this.#keys[slot] !== -1 && this.#keys[slot] !== key) slot = (slot + 1) & mask;
    return slot;
  }

  #insert(node: number, code: number): number {
    const slot = this.#slot(node, code);
    if (this.#keys[slot] !== -1) return this.#children[slot]!;
    const child = this.#nodes++;
    this.#keys[slot] = node * this.#alphabetSize + code;
    this.#children[slot] = child;
    if (child === this.#candidates.length) {
      const candidates = new Int32Array(child * 2).fill(-1);
      candidates.set(this.#candidates);
      this.#candidates = candidates;
    }
    if (this.#nodes * 2 > this.#keys.length) this.#grow();
    return child;
  }

  #grow(): void {
    const keys = this.#keys;
    const children = this.#children;
    this.#keys = new Float64Array(keys.length * 2).fill(-1);
    this.#children = new Int32Array(keys.length * 2);
    for (let i = 0; i < keys.length; i++) {
      const key = keys[i]!;
      if (key < 0) continue;
      const node = Math.floor(key / this.#alphabetSize);
      const slot = this.#slot(node, key - node * this.#alphabetSize);
      this.#keys[slot] = key;
      this.#children[slot] = children[i]!;
    }
  }
}

import { characterLength } from './normalizer.js';
import { PIECE_TYPE, type PieceTable, PrefixSearch } from './piece-table.js';

/** A character without a piece scores this much less than the worst piece. */
const UNKNOWN_PENALTY = 10;
/** The smallest normal float32, from which SentencePiece starts its search for the best score. */
const SMALLEST_FLOAT = 2 ** -126;

/** Best segmentation: for each piece its id and the byte after its last, in the order of the text. */
export interface Segmentation {
  readonly ids: readonly number[];
  readonly ends: readonly number[];
}

/**
 * Splits normalised text into the pieces with the highest sum of scores.
 *
 * Sums are kept as float32 and compared before they are rounded, ties go to the piece that starts
 * first, as in SentencePiece (`EncodeOptimized`): another order of roundings would pick other pieces
 * where two splits are nearly as good.
 */
export class Viterbi {
  readonly #pieces: PieceTable;
  readonly #search: PrefixSearch;
  readonly #unknownId: number;
  readonly #unknownScore: number;
  readonly #bestScore: number;

  constructor(pieces: PieceTable) {
    this.#pieces = pieces;
    this.#search = new PrefixSearch(pieces);
    this.#unknownId = pieces.types.indexOf(PIECE_TYPE.unknown);
    let worst = Number.POSITIVE_INFINITY;
    let best = SMALLEST_FLOAT;
    for (let id = 0; id < pieces.size; id++) {
      if (pieces.types[id] !== PIECE_TYPE.normal) continue;
      worst = Math.min(worst, pieces.scores[id]!);
      best = Math.max(best, pieces.scores[id]!);
    }
    // Without any normal piece every split is as unknown as every other.
    this.#unknownScore = Number.isFinite(worst) ? Math.fround(worst - UNKNOWN_PENALTY) : 0;
    this.#bestScore = best;
  }

  /** `text` is UTF-8 of whole characters; unknown characters come one by one. */
  segment(text: Uint8Array): Segmentation {
    const { scores, types } = this.#pieces;
    const search = this.#search;
    const size = text.length;
    const score = new Float32Array(size + 1);
    const from = new Int32Array(size + 1).fill(-1);
    const piece = new Int32Array(size + 1);
    for (let start = 0; start < size; ) {
      const character = Math.min(characterLength(text[start]!), size - start);
      const before = score[start]!;
      let known = false;
      search.start(text, start);
      while (search.next()) {
        const { id, length } = search;
        const type = types[id]!;
        if (type === PIECE_TYPE.unused) continue;
        const gain =
          type === PIECE_TYPE.userDefined
            ? Math.fround(length * this.#bestScore) - 0.1
            : scores[id]!;
        const end = start + length;
        if (from[end] === -1 || gain + before > score[end]!) {
          score[end] = gain + before;
          from[end] = start;
          piece[end] = id;
        }
        known ||= length === character;
      }
      const end = start + character;
      if (!known) {
        const candidate = Math.fround(this.#unknownScore + before);
        if (from[end] === -1 || candidate > score[end]!) {
          score[end] = candidate;
          from[end] = start;
          piece[end] = this.#unknownId;
        }
      }
      start = end;
    }
    const ids: number[] = [];
    const ends: number[] = [];
    for (let end = size; end > 0; end = from[end]!) {
      ids.push(piece[end]!);
      ends.push(end);
    }
    return { ids: ids.reverse(), ends: ends.reverse() };
  }
}

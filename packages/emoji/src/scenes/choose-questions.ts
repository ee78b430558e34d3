import { answerType, type Question, type QuestionKind } from './questions.js';

/** How often each answer was given, by what could give it away. */
class Tally {
  readonly #counts = new Map<string, Map<string, number>>();
  readonly #totals = new Map<string, number>();

  add(key: string, answer: string): void {
    const counts = this.#counts.get(key) ?? new Map<string, number>();
    counts.set(answer, (counts.get(answer) ?? 0) + 1);
    this.#counts.set(key, counts);
    this.#totals.set(key, this.total(key) + 1);
  }

  total(key: string): number {
    return this.#totals.get(key) ?? 0;
  }

  count(key: string, answer: string): number {
    return this.#counts.get(key)?.get(answer) ?? 0;
  }
}

/** No answer of a kind may be given more often than this, beyond the first few. */
const SHARES: Readonly<Partial<Record<QuestionKind, number>>> = {
  'how many': 0.22,
  'how many in all': 0.16,
  'what color': 0.18,
  'what color is the background': 0.2,
  'where is': 0.26,
  'which of two': 0.12,
};
const OTHER_SHARE = 0.06;
/** An answer may be ahead of its share by so many. */
const AHEAD = 2;

/**
 * Chooses the questions to ask about scenes, one scene after another, so that neither the kind of a
 * question nor the words in it tell the answer: of what can be asked, the kinds asked least often,
 * and of those the answers that are behind for this kind and these words.
 */
export class QuestionChooser {
  readonly #tally = new Tally();
  readonly #asked = new Map<QuestionKind, number>();

  /** At most `count` questions, each of another kind. */
  choose(candidates: readonly Question[], count: number): Question[] {
    const byKind = new Map<QuestionKind, Question[]>();
    for (const candidate of candidates) {
      byKind.set(candidate.kind, [...(byKind.get(candidate.kind) ?? []), candidate]);
    }
    const chosen: Question[] = [];
    const kinds = [...byKind.keys()].sort((a, b) => this.#times(a) - this.#times(b));
    for (const kind of kinds) {
      if (chosen.length === count) break;
      const best = this.#best(byKind.get(kind)!);
      if (!best) continue;
      chosen.push(best);
      this.#asked.set(kind, this.#times(kind) + 1);
      for (const key of keysOf(best)) this.#tally.add(key, best.answer);
    }
    return chosen;
  }

  #times(kind: QuestionKind): number {
    return this.#asked.get(kind) ?? 0;
  }

  /** The one whose answer is furthest behind; undefined where all are ahead of their share. */
  #best(candidates: readonly Question[]): Question | undefined {
    let best: Question | undefined;
    let least = Number.POSITIVE_INFINITY;
    for (const candidate of candidates) {
      const [kind, ...cues] = keysOf(candidate).map((key) => this.#lead(key, candidate));
      if (kind! > AHEAD) continue;
      // The words weigh more than the kind, whose balance is kept by the limit above.
      const lead = kind! + 3 * cues.reduce((sum, value) => sum + value, 0);
      if (lead < least) [best, least] = [candidate, lead];
    }
    return best;
  }

  /** By how many an answer would be ahead of its share if it were given once more. */
  #lead(key: string, { kind, answer }: Question): number {
    const share = answerType(answer) === 'yes/no' ? 0.5 : (SHARES[kind] ?? OTHER_SHARE);
    return this.#tally.count(key, answer) + 1 - share * (this.#tally.total(key) + 1);
  }
}

function keysOf({ kind, cues, question }: Question): string[] {
  return [kind, ...[...cues, question].map((cue) => `${kind} ${cue}`)];
}

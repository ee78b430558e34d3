import { keep } from './em.js';
import type { Lattice } from './lattice.js';
import type { Candidates } from './seed.js';

/**
 * Strikes out the candidates whose loss would cost the corpus least, down to `size`.
 *
 * A candidate never used in a best split, or itself better split, goes. For the others the loss is
 * estimated as if each use were replaced by the second-best split `a`: with `f` uses, `F` uses in all,
 *
 *   loss = f · (ln(f / F) - Σ_a ln((f_a + f) / (F + f · (|a| - 1))))
 *
 * Single characters stay while they are used.
 */
export function prune(lattice: Lattice, candidates: Candidates, size: number): Candidates {
  const { starts, lengths, scores } = candidates;
  const uses = lattice.bestCounts(scores);
  const total = uses.reduce((sum, count) => sum + count, 0);
  const logTotal = Math.log(total);
  const path = lattice.path();
  const unknown = path.unknownScore(scores);
  const kept: number[] = [];
  const losses: { id: number; loss: number }[] = [];
  for (let id = 0; id < scores.length; id++) {
    const count = uses[id]!;
    if (count === 0) continue;
    if (lengths[id] === 1) {
      kept.push(id);
      continue;
    }
    lattice.alternative(starts[id]!, lengths[id]!, scores, path);
    if (path.score > scores[id]!) continue;
    const logTotalAfter = Math.log(total + count * (path.size - 1));
    let logAlternative = 0;
    for (let i = 0; i < path.size; i++) {
      const other = path.ids[i]!;
      logAlternative += other < 0 ? unknown : Math.log(uses[other]! + count) - logTotalAfter;
    }
    losses.push({ id, loss: count * (Math.log(count) - logTotal - logAlternative) });
  }
  losses.sort((a, b) => b.loss - a.loss || a.id - b.id);
  for (const { id } of losses.slice(0, Math.max(0, size - kept.length))) kept.push(id);
  kept.sort((a, b) => a - b);
  return keep(lattice, candidates, kept);
}

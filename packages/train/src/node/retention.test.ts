import { describe, expect, it } from 'vitest';
import { stepsToRemove } from './retention.js';

const scored = (scores: Record<number, number | undefined>) =>
  Object.entries(scores).map(([step, score]) => ({ step: Number(step), score }));

describe('stepsToRemove', () => {
  const checkpoints = scored({ 10: 5, 20: 3, 30: undefined, 40: 3, 50: 4 });

  it.each([
    [{ last: 1 }, [40, 30, 20, 10]],
    [{ last: 9 }, []],
    [{ last: 1, multiplesOf: 20 }, [30, 10]],
    [{ last: 1, best: 1 }, [30, 20, 10]],
    [{ last: 1, best: 2 }, [30, 10]],
    [{ last: 1, multiplesOf: 30, best: 9 }, []],
  ])('%j', (rule, removed) => {
    expect(stepsToRemove(checkpoints, rule)).toEqual(removed);
  });
});

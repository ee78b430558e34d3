/** Scores of checkpoints: the last that was given, or else the mean of the latest losses. */
export interface ScoreKeeper {
  give(value: number): void;
  loss(value: number): void;
  /** The score of a checkpoint made now. */
  take(): number | undefined;
}

/** `window`: how many losses count, the same wherever a run was interrupted. */
export function scoreKeeper(window: number): ScoreKeeper {
  let given: number | undefined;
  const losses: number[] = [];
  return {
    give(value) {
      given = value;
    },
    loss(value) {
      losses.push(value);
      if (losses.length > window) losses.shift();
    },
    take() {
      const mean = losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
      const score = given ?? (losses.length > 0 ? mean : undefined);
      given = undefined;
      return score;
    },
  };
}

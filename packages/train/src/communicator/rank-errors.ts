import { TrainError } from '@imglish/core';

/** `train/rank-left`, of a call that waits for a rank which is gone. */
export function rankLeft(where: string, rank: number): TrainError {
  return new TrainError({
    code: 'train/rank-left',
    where,
    expected: 'all ranks to take part',
    got: `rank ${rank} gone`,
    fix: 'Its own error says why.',
  });
}

/** `train/rank-mismatch`, of ranks that do not make the same calls; `call` says which one it was here. */
export function rankMismatch(where: string, got: string, call?: string): TrainError {
  return new TrainError({
    code: 'train/rank-mismatch',
    where,
    expected: `the same call with as many values on every rank${call ? ` (here: ${call})` : ''}`,
    got,
    fix: 'Ranks need the same parameters, streams and options.',
  });
}

import type { Call, Given } from '../one-node.js';

/** Calls of one kernel at a free size n, to be compared with tfjs's cpu kernel of the same name. */
export interface Case {
  readonly kernel: string;
  /** What is special about it. */
  readonly what: string;
  readonly call: (n: number) => Call;
  /** Sizes at which the one model is run; default 1, 2 and 5. */
  readonly sizes?: readonly number[];
  /** Of values, relative to the largest; default 1e-6. */
  readonly tolerance?: number;
  /** What it is compared with; default tfjs's cpu kernel of that name. */
  readonly reference?: (call: Call) => Given[];
}

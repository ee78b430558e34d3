import type { StepMetrics } from '../loop/contracts.js';
import type { TrainWarning } from '../loop/warnings.js';

/** Shown what happens in a run; see `OpenRunOptions.observers`. */
export interface Observer {
  /** A step that was done before this process took over. */
  past?(metrics: StepMetrics): void;
  /** Training begins after so many steps; later ones that were shown before do not count any more. */
  begin?(step: number): Promise<void>;
  step?(metrics: StepMetrics): Promise<void>;
  warn?(warning: TrainWarning): void;
  /** Anything else that a person should know. */
  message?(text: string): void;
  close?(): Promise<void>;
}

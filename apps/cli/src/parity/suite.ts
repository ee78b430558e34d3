import type { Engine } from './engine.js';
import type { FixtureSet } from './fixture-set.js';
import type { Report } from './report.js';

/** The checks of one part of the fixtures. */
export interface Suite {
  readonly name: string;
  /** Whether this suite checks that file of the manifest. */
  covers(path: string): boolean;
  run(set: FixtureSet, report: Report, engine: Engine): Promise<void>;
}

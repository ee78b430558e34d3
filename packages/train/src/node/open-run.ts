import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CheckpointError, ConfigError, TrainError } from '@imglish/core';
import type { Run, SavedState, StateSource, StepMetrics } from '../loop/contracts.js';
import { copyOf } from '../loop/state.js';
import { describeWarning, type TrainWarning } from '../loop/warnings.js';
import { background } from './background.js';
import {
  type CheckpointFacts,
  checkpointName,
  checkpointSteps,
  isCheckpointFile,
  openCheckpoint,
  removeCheckpoint,
  removeTemporary,
  scoredCheckpoints,
  setAside,
  writeCheckpoint,
} from './checkpoint.js';
import { differingKeys } from './difference.js';
import { writeText } from './durable.js';
import { describeEngine, type EngineDescription } from './engine-description.js';
import { takeLock } from './lock.js';
import type { Observer } from './observer.js';
import { type Retention, retentionOf, stepsToRemove } from './retention.js';
import { scoreKeeper } from './score-keeper.js';
import { openStepLog } from './step-log.js';

export interface OpenRunOptions {
  /** Everything that decides the result, as plain JSON; a run goes on only with the one it began with. */
  config: unknown;
  seed: number;
  /** Steps between two checkpoints. */
  every: number;
  /**
   * Checkpoints to keep: the latest so many, or by a rule. The score that `best` goes by is what
   * `FolderRun.score` was told since the checkpoint before, or else the mean total loss of the last
   * `every` steps.
   * Default 3.
   */
  keep?: number | Retention;
  /** Bytes of tensors in one file of a checkpoint, above which it is cut into shards; default 5e9. */
  shardBytes?: number;
  /** Default `describeEngine()`: say the threads, if they are not all processors. */
  engine?: EngineDescription;
  /** Further files of each checkpoint, such as `config.json`: they make it a model directory. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** Shown every step and warning, such as `tensorBoard`; closed with the run. */
  observers?: readonly Observer[];
  /** What a person should know: another engine than before, a damaged checkpoint. Default: stderr. */
  onMessage?: (message: string) => void;
}

/**
 * A run in a folder. `save` copies the state and resolves; the checkpoint is written while training
 * goes on. If that fails, `onMessage` is told at once, and the next `save` or `settled` rejects with a
 * `TrainError` (`train/checkpoint`). The checkpoint before is whole in any case. Close it, or the next process finds the lock of a dead one (and takes it). */
export interface FolderRun extends Run {
  readonly dir: string;
  /** Folder of the latest checkpoint, if any. */
  latest(): Promise<string | undefined>;
  /** How good the state is that will be saved next, such as a validation loss; lower is better. */
  score(value: number): void;
  settled(): Promise<void>;
  close(): Promise<void>;
}

/**
 * Opens or begins the run in a folder.
 *
 *     run.json               configuration and seed
 *     log.jsonl              one line per step
 *     lock                   the process that writes here
 *     checkpoint-STEP/       model.safetensors, optimizer.safetensors, trainer_state.json, manifest.json
 *
 * @throws TrainError `train/locked` while another process has it open.
 * @throws ConfigError `train/other-config` where it began with another configuration or seed; the
 * message names the keys. `train/options` for options that cannot be.
 */
export async function openRun(dir: string, options: OpenRunOptions): Promise<FolderRun> {
  checkOptions(options);
  const { every, files = {}, engine = describeEngine(), shardBytes = 5e9 } = options;
  const keep = retentionOf(options.keep ?? 3);
  const { observers = [] } = options;
  const onMessage = (message: string): void => {
    for (const observer of observers) observer.message?.(message);
    (options.onMessage ?? console.warn)(message);
  };
  const identity = JSON.parse(JSON.stringify({ config: options.config, seed: options.seed }));
  const factsOf = (compiler: string | undefined): CheckpointFacts => ({
    ...identity,
    engine: compiler === undefined ? engine : { ...engine, compiler },
  });
  await mkdir(dir, { recursive: true });
  const unlock = await takeLock(join(dir, 'lock'));
  try {
    await assertSameIdentity(dir, identity);
    await removeTemporary(dir);
    const log = await openStepLog(join(dir, 'log.jsonl'));
    const scores = scoreKeeper(every);
    const writing = background((error) => {
      onMessage(`${dir}: a checkpoint could not be written: ${(error as Error).message}`);
    });
    const write = async (state: StateSource, score: number | undefined): Promise<void> => {
      try {
        await log.flush();
        await writeCheckpoint(dir, state, factsOf(state.compiler), { files, shardBytes, score });
        for (const step of stepsToRemove(await scoredCheckpoints(dir), keep)) {
          await removeCheckpoint(dir, step);
        }
      } catch (cause) {
        throw notWritten(join(dir, checkpointName(state.step)), cause);
      }
    };
    return {
      dir,
      every,
      async restore(compiler?: string): Promise<SavedState | undefined> {
        const restored = await latestUsable(dir, onMessage);
        const step = restored?.state.step ?? 0;
        await log.cutAfter(step, (metrics) => {
          scores.loss(metrics.total);
          for (const observer of observers) observer.past?.(metrics);
        });
        for (const observer of observers) await observer.begin?.(step);
        if (!restored) return undefined;
        const now = JSON.parse(JSON.stringify(factsOf(compiler).engine));
        const other = differingKeys(restored.facts.engine, now);
        if (other.length > 0) {
          onMessage(
            `${dir}: resuming on another engine (${other.join(', ')} differ): results stay close, but not the same bits.`,
          );
        }
        return restored.state;
      },
      async save(state: StateSource): Promise<void> {
        await writing.settled();
        await assertNew(dir, state.step);
        const [copy, score] = [await copyOf(state), scores.take()];
        writing.begin(() => write(copy, score));
      },
      settled: () => writing.settled(),
      score: scores.give,
      warn(warning: TrainWarning): void {
        for (const observer of observers) observer.warn?.(warning);
        (options.onMessage ?? console.warn)(`${dir}: ${describeWarning(warning)}`);
      },
      async log(metrics: StepMetrics): Promise<void> {
        scores.loss(metrics.total);
        await log.append(metrics);
        for (const observer of observers) await observer.step?.(metrics);
      },
      async latest(): Promise<string | undefined> {
        const [step] = await checkpointSteps(dir);
        return step === undefined ? undefined : join(dir, checkpointName(step));
      },
      async close(): Promise<void> {
        // A failure has been told, and there is nobody left to stop.
        await writing.settled().catch(() => {});
        for (const observer of observers) await observer.close?.();
        await log.close();
        await unlock();
      },
    };
  } catch (error) {
    await unlock();
    throw error;
  }
}

async function latestUsable(
  dir: string,
  onMessage: (message: string) => void,
): Promise<Awaited<ReturnType<typeof openCheckpoint>> | undefined> {
  const steps = await checkpointSteps(dir);
  for (const [i, step] of steps.entries()) {
    try {
      return await openCheckpoint(dir, step);
    } catch (error) {
      if (!(error instanceof CheckpointError)) throw error;
      const previous = steps[i + 1];
      const instead = previous === undefined ? 'the beginning' : checkpointName(previous);
      onMessage(`${checkpointName(step)} is damaged, going on from ${instead}: ${error.message}`);
      await setAside(dir, step);
    }
  }
  return undefined;
}

async function assertSameIdentity(dir: string, identity: unknown): Promise<void> {
  const path = join(dir, 'run.json');
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (text === undefined) {
    await writeText(path, `${JSON.stringify(identity, undefined, 2)}\n`);
    return;
  }
  const keys = differingKeys(JSON.parse(text), identity);
  if (keys.length === 0) return;
  throw new ConfigError({
    code: 'train/other-config',
    where: 'openRun',
    expected: `the configuration that ${path} began with`,
    got: `other values of ${keys.join(', ')}`,
    fix: 'Resume with the old values, or begin a new run in another folder.',
  });
}

function notWritten(folder: string, cause: unknown): TrainError {
  return new TrainError({
    code: 'train/checkpoint',
    where: 'Run.save',
    expected: `a checkpoint in ${folder}`,
    got: (cause as Error).message,
    fix: 'The one before is whole: make room and run it again.',
    cause,
  });
}

async function assertNew(dir: string, step: number): Promise<void> {
  if (!(await checkpointSteps(dir)).includes(step)) return;
  throw new TrainError({
    code: 'train/checkpoint-exists',
    where: 'Run.save',
    expected: 'a step that has no checkpoint yet',
    got: join(dir, checkpointName(step)),
    fix: 'restore() the run before going on with it.',
  });
}

function checkOptions({ every, seed, shardBytes = 1, files = {} }: OpenRunOptions): void {
  const check = (expected: string, ok: boolean, got: unknown): void => {
    if (ok) return;
    throw new ConfigError({ code: 'train/options', where: 'openRun', expected, got: String(got) });
  };
  check('every: a positive whole number', Number.isInteger(every) && every > 0, every);
  check('shardBytes: a positive number', shardBytes > 0, shardBytes);
  check('seed: a whole number', Number.isSafeInteger(seed), seed);
  for (const name of Object.keys(files)) {
    const free = name === basename(name) && !name.startsWith('.') && !isCheckpointFile(name);
    check('file names other than those of a checkpoint, without folders', free, name);
  }
}

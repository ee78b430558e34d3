import { mkdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CheckpointError, ConfigError, TrainError } from '@imglish/core';
import type { Run, SavedState, StateSource, StepMetrics } from '../loop/contracts.js';
import {
  CHECKPOINT_FILES,
  type CheckpointFacts,
  checkpointName,
  checkpointSteps,
  openCheckpoint,
  removeCheckpoint,
  removeTemporary,
  setAside,
  writeCheckpoint,
} from './checkpoint.js';
import { differingKeys } from './difference.js';
import { writeText } from './durable.js';
import { describeEngine, type EngineDescription } from './engine-description.js';
import { takeLock } from './lock.js';
import { openStepLog } from './step-log.js';

export interface OpenRunOptions {
  /** Everything that decides the result, as plain JSON; a run goes on only with the one it began with. */
  config: unknown;
  seed: number;
  /** Steps between two checkpoints. */
  every: number;
  /** Checkpoints to keep, default 3. */
  keep?: number;
  /** Default `describeEngine()`: say the threads, if they are not all processors. */
  engine?: EngineDescription;
  /** Further files of each checkpoint, such as `config.json`: they make it a model directory. */
  files?: Readonly<Record<string, string | Uint8Array>>;
  /** What a person should know: another engine than before, a damaged checkpoint. Default: stderr. */
  onMessage?: (message: string) => void;
}

/** A run in a folder. Close it, or the next process finds the lock of a dead one (and takes it). */
export interface FolderRun extends Run {
  readonly dir: string;
  /** Folder of the latest checkpoint, if any. */
  latest(): Promise<string | undefined>;
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
  const { keep = 3, every, files = {}, engine = describeEngine() } = options;
  const onMessage = options.onMessage ?? ((message) => console.warn(message));
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
    return {
      dir,
      every,
      async restore(compiler?: string): Promise<SavedState | undefined> {
        const restored = await latestUsable(dir, onMessage);
        await log.cutAfter(restored?.state.step ?? 0);
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
        await log.flush();
        await assertNew(dir, state.step);
        await writeCheckpoint(dir, state, factsOf(state.compiler), files);
        const steps = await checkpointSteps(dir);
        for (const step of steps.slice(keep)) await removeCheckpoint(dir, step);
      },
      log: (metrics: StepMetrics) => log.append(metrics),
      async latest(): Promise<string | undefined> {
        const [step] = await checkpointSteps(dir);
        return step === undefined ? undefined : join(dir, checkpointName(step));
      },
      async close(): Promise<void> {
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

function checkOptions({ every, keep = 3, seed, files = {} }: OpenRunOptions): void {
  const check = (expected: string, ok: boolean, got: unknown): void => {
    if (ok) return;
    throw new ConfigError({ code: 'train/options', where: 'openRun', expected, got: String(got) });
  };
  check('every: a positive whole number', Number.isInteger(every) && every > 0, every);
  check('keep: a positive whole number', Number.isInteger(keep) && keep > 0, keep);
  check('seed: a whole number', Number.isSafeInteger(seed), seed);
  for (const name of Object.keys(files)) {
    const free =
      name === basename(name) && !name.startsWith('.') && !CHECKPOINT_FILES.includes(name);
    check('file names other than those of a checkpoint, without folders', free, name);
  }
}

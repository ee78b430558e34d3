import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CheckpointError, type TensorEntry, type TensorFile } from '@imglish/core';
import { bitsOfBfloat16 } from '../loop/bfloat16.js';
import type { MomentsSource, SavedState, StateSource, ValueSource } from '../loop/contracts.js';
import { type FileSeal, publishFolder, sealOf, writeSealed, writeText } from './durable.js';
import type { Scored } from './retention.js';
import { hasTensorFiles, isTensorFile, openTensorFiles, writeTensorFiles } from './tensor-files.js';

/** Everything in a checkpoint that is not a tensor. */
export interface CheckpointFacts {
  config: unknown;
  seed: number;
  engine: unknown;
}

/** What a folder of this name holds is not finished, or no longer wanted. */
export const TEMPORARY = '.tmp-';

const PREFIX = 'checkpoint-';
/** Stems of the files with tensors. */
const [MODEL, OPTIMIZER, AVERAGE] = ['model', 'optimizer', 'average'] as const;
const TRAINER = 'trainer_state.json';
const MANIFEST = 'manifest.json';

/** Whether a checkpoint may use a file name itself. */
export function isCheckpointFile(name: string): boolean {
  return name === TRAINER || name === MANIFEST || isTensorFile(name, [MODEL, OPTIMIZER, AVERAGE]);
}

interface TrainerState extends CheckpointFacts {
  step: number;
  score?: number | undefined;
  /** Updates of each parameter that has moments. */
  updates: Record<string, number>;
}

/** Folder name of the checkpoint of a step. */
export function checkpointName(step: number): string {
  return `${PREFIX}${step}`;
}

/** Steps of the checkpoints in a run's folder, latest first. */
export async function checkpointSteps(dir: string): Promise<number[]> {
  const names = await readdir(dir);
  return names
    .filter((name) => /^checkpoint-\d+$/.test(name))
    .map((name) => Number(name.slice(PREFIX.length)))
    .sort((a, b) => b - a);
}

/** Steps and scores of the checkpoints in a run's folder, latest first. */
export async function scoredCheckpoints(dir: string): Promise<Scored[]> {
  const scored: Scored[] = [];
  for (const step of await checkpointSteps(dir)) {
    const text = await readFile(join(dir, checkpointName(step), TRAINER), 'utf8').catch(() => '{}');
    scored.push({ step, score: JSON.parse(text).score });
  }
  return scored;
}

export interface CheckpointOptions {
  /** Further files. */
  files: Readonly<Record<string, string | Uint8Array>>;
  /** Bytes of tensors in one file. */
  shardBytes: number;
  /** Of this state; lower is better. */
  score: number | undefined;
}

/**
 * Writes a checkpoint: all files and a manifest of their sizes and SHA-256 into a temporary folder,
 * each flushed, then the folder takes its final name. Whatever happens, no folder of a final name is
 * incomplete.
 */
export async function writeCheckpoint(
  dir: string,
  state: StateSource,
  facts: CheckpointFacts,
  { files, shardBytes, score }: CheckpointOptions,
): Promise<void> {
  const temporary = join(dir, `${TEMPORARY}${checkpointName(state.step)}`);
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary);
  const seals: Record<string, FileSeal> = {};
  const moments = Object.entries(state.moments);
  const trainer: TrainerState = {
    step: state.step,
    score,
    updates: Object.fromEntries(moments.map(([name, { step }]) => [name, step])),
    ...facts,
  };
  try {
    const tensors = async (stem: string, entries: TensorEntry[]): Promise<void> => {
      Object.assign(seals, await writeTensorFiles(temporary, stem, entries, shardBytes));
    };
    const entries = (sources: StateSource['parameters']): TensorEntry[] =>
      Object.entries(sources).map(([name, source]) => entry(name, source));
    await tensors(MODEL, entries(state.parameters));
    if (state.average) await tensors(AVERAGE, entries(state.average));
    await tensors(
      OPTIMIZER,
      moments.flatMap(([name, { m, v }]) => [entry(`m.${name}`, m), entry(`v.${name}`, v)]),
    );
    seals[TRAINER] = await writeText(join(temporary, TRAINER), json(trainer));
    for (const [name, content] of Object.entries(files)) {
      const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
      seals[name] = await writeSealed(join(temporary, name), (write) => write(bytes));
    }
    await writeText(join(temporary, MANIFEST), json({ files: seals }));
    await publishFolder(temporary, join(dir, checkpointName(state.step)));
  } catch (error) {
    await rm(temporary, { recursive: true, force: true });
    throw error;
  }
}

/**
 * Opens a checkpoint after checking every file against the manifest; tensors are read when asked for.
 *
 * @throws CheckpointError `checkpoint/damaged` where a file is missing, truncated or changed.
 */
export async function openCheckpoint(
  dir: string,
  step: number,
): Promise<{ state: SavedState; facts: CheckpointFacts }> {
  const folder = join(dir, checkpointName(step));
  const files = await verify(folder);
  const trainer: TrainerState = JSON.parse(await readFile(join(folder, TRAINER), 'utf8'));
  const opened: TensorFile[] = [];
  const close = async (): Promise<void> => {
    for (const file of opened) await file.close();
  };
  const open = async (stem: string): Promise<TensorFile['tensors']> => {
    const file = await openTensorFiles(folder, stem, files);
    opened.push(file);
    return file.tensors;
  };
  const all = async (stem: string): Promise<Record<string, ValueSource>> => {
    const tensors = await open(stem);
    return Object.fromEntries([...tensors.keys()].map((key) => [key, stored(tensors, key)]));
  };
  try {
    const optimizer = await open(OPTIMIZER);
    const moments = Object.entries(trainer.updates).map(([name, updates]) => {
      const [m, v] = [stored(optimizer, `m.${name}`), stored(optimizer, `v.${name}`)];
      return [name, { step: updates, m, v } satisfies MomentsSource] as const;
    });
    const { config, seed, engine } = trainer;
    return {
      state: {
        step: trainer.step,
        parameters: await all(MODEL),
        average: hasTensorFiles(files, AVERAGE) ? await all(AVERAGE) : undefined,
        moments: Object.fromEntries(moments),
        close,
      },
      facts: { config, seed, engine },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Moves a damaged checkpoint out of the way, where a person can look at it. */
export async function setAside(dir: string, step: number): Promise<void> {
  const folder = join(dir, checkpointName(step));
  await rm(`${folder}.damaged`, { recursive: true, force: true });
  await rename(folder, `${folder}.damaged`);
}

/** Removes a checkpoint; interrupted, it leaves a temporary folder behind, not half a checkpoint. */
export async function removeCheckpoint(dir: string, step: number): Promise<void> {
  const temporary = join(dir, `${TEMPORARY}removed-${step}`);
  await rm(temporary, { recursive: true, force: true });
  await rename(join(dir, checkpointName(step)), temporary);
  await rm(temporary, { recursive: true, force: true });
}

/** Removes what a process that was killed left unfinished. */
export async function removeTemporary(dir: string): Promise<void> {
  for (const name of await readdir(dir)) {
    if (name.startsWith(TEMPORARY)) await rm(join(dir, name), { recursive: true, force: true });
  }
}

/** The files that the manifest lists, all as it says. */
async function verify(folder: string): Promise<Record<string, FileSeal>> {
  const manifest = await readFile(join(folder, MANIFEST), 'utf8').catch(() => '');
  const files = parseManifest(manifest);
  const complete =
    files &&
    Object.hasOwn(files, TRAINER) &&
    [MODEL, OPTIMIZER].every((s) => hasTensorFiles(files, s));
  if (!complete) {
    throw damaged(`a ${MANIFEST} that lists every file`, `none that can be read`, folder);
  }
  for (const [name, { bytes, sha256 }] of Object.entries(files)) {
    const found = await sealOf(join(folder, name)).catch(() => undefined);
    if (!found) throw damaged(`a file ${name}`, 'none that can be read', folder);
    if (found.bytes !== bytes) throw damaged(`${bytes} bytes`, `${found.bytes} in ${name}`, folder);
    if (found.sha256 !== sha256) throw damaged(`SHA-256 ${sha256}`, `another for ${name}`, folder);
  }
  return files;
}

function parseManifest(text: string): Record<string, FileSeal> | undefined {
  try {
    return JSON.parse(text).files;
  } catch {
    return undefined;
  }
}

function stored(tensors: TensorFile['tensors'], name: string): ValueSource {
  const found = tensors.get(name);
  if (!found) throw damaged(`a tensor ${name}`, 'none', OPTIMIZER);
  return { shape: found.shape, read: () => found.readFloat32() };
}

function entry(name: string, { shape, read, stored }: ValueSource): TensorEntry {
  if (stored === undefined) return { name, dtype: 'F32', shape, read };
  return { name, dtype: 'BF16', shape, read: async () => bitsOfBfloat16(await read()) };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function damaged(expected: string, got: string, folder: string): CheckpointError {
  const details = { code: 'checkpoint/damaged', where: 'openCheckpoint', expected };
  return new CheckpointError({ ...details, got: `${got} (${folder})` });
}

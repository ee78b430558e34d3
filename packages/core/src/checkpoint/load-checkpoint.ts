import { CheckpointError, ConfigError } from '../errors/errors.js';
import type { ParameterSpecs } from '../parameters/parameters.js';
import { isFloat } from './dtype.js';
import { type Grid, POSITION_PREFIX_ROWS, resizePositions } from './resize-positions.js';
import type { StoredTensor, TensorFile } from './tensor-file.js';

export interface LoadOptions {
  /** Every parameter of the model. */
  readonly specs: ParameterSpecs;
  /**
   * Parameters that may be absent from the file, or have another shape there: the caller
   * initialises them. Names, in which `*` stands for any characters.
   */
  readonly initialises?: readonly string[];
  /** Tensors that the file may have and the model does not use. Names or patterns, as above. */
  readonly ignores?: readonly string[];
  /** Patches of the model's images; a square if not given. */
  readonly imageGrid?: Grid;
  /**
   * Patches of the images that the file was trained on. If not given: that of the model where the
   * table has as many rows, else a square.
   */
  readonly sourceGrid?: Grid;
}

/** A parameter's elements in host memory. */
export interface HostParameter {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** A checkpoint that fits the model. Nothing is read until `parameters()` is walked. */
export interface LoadedCheckpoint {
  /** Parameters that come from the file, in the order of the specs. */
  readonly loaded: readonly string[];
  /** Parameters that the caller must initialise. */
  readonly initialised: readonly string[];
  /** Tensors of the file that are not used. */
  readonly ignored: readonly string[];
  /** Position tables among `loaded` that are resized to the model's grid. */
  readonly resized: readonly string[];
  /** Reads one parameter after the other, as float32. */
  parameters(): AsyncIterableIterator<HostParameter>;
}

/** A file that does not fit the model (`checkpoint/mismatch`); the message has all three lists. */
export class CheckpointMismatchError extends CheckpointError {
  readonly missing: readonly string[];
  readonly unexpected: readonly string[];
  readonly misshapen: readonly string[];

  constructor(file: string, lists: MismatchLists) {
    const parts = Object.entries(lists)
      .filter(([, names]) => names.length > 0)
      .map(([kind, names]) => `${names.length} ${kind}: ${names.join(', ')}`);
    super({
      code: 'checkpoint/mismatch',
      where: 'loadCheckpoint',
      expected: `the parameters of the model in ${file}`,
      got: parts.join('; '),
      fix: 'List parameters to start anew in `initialises` and tensors to leave in `ignores`.',
    });
    this.missing = lists.missing;
    this.unexpected = lists.unexpected;
    this.misshapen = lists.misshapen;
  }
}

interface MismatchLists {
  missing: string[];
  unexpected: string[];
  misshapen: string[];
}

/**
 * Fits a weights file to a model, strictly, before anything is read.
 *
 * Every parameter must be in the file with its shape, unless `initialises` names it, and every
 * tensor of the file must be a parameter, unless `ignores` names it. The one shape that is adapted
 * is `…embed_positions.A.weight` `[3 + h·w, D]`, resized to `imageGrid` (see `resizePositions`).
 *
 * Throws one `CheckpointMismatchError` that lists everything missing, unexpected and misshapen (a
 * dtype that is no float counts as that); `config/grid` for a grid that does not fit the specs.
 */
export function loadCheckpoint(file: TensorFile, options: LoadOptions): LoadedCheckpoint {
  const { specs } = options;
  const mayInitialise = matcher(options.initialises ?? []);
  const mayIgnore = matcher(options.ignores ?? []);
  const readers = new Map<string, () => Promise<Float32Array>>();
  const initialised: string[] = [];
  const resized: string[] = [];
  const lists: MismatchLists = { missing: [], unexpected: [], misshapen: [] };

  for (const [name, { shape }] of Object.entries(specs)) {
    const stored = file.tensors.get(name);
    if (!stored) {
      (mayInitialise(name) ? initialised : lists.missing).push(name);
      continue;
    }
    const grids = positionGrids(name, stored.shape, shape, options);
    const fits = isFloat(stored.dtype) && (grids || sameShape(stored.shape, shape));
    if (!fits) {
      if (mayInitialise(name)) initialised.push(name);
      else lists.misshapen.push(`${describe(stored)} instead of [${shape.join(', ')}]`);
    } else if (grids) {
      resized.push(name);
      const width = shape[1]!;
      readers.set(name, async () =>
        resizePositions(await stored.readFloat32(), width, grids.from, grids.to),
      );
    } else {
      readers.set(name, stored.readFloat32);
    }
  }
  const others = [...file.tensors.keys()].filter((name) => !Object.hasOwn(specs, name));
  lists.unexpected = others.filter((name) => !mayIgnore(name));
  if (Object.values(lists).some((names) => names.length > 0)) {
    throw new CheckpointMismatchError(file.name, lists);
  }
  return {
    loaded: [...readers.keys()],
    initialised,
    ignored: others,
    resized,
    async *parameters(): AsyncIterableIterator<HostParameter> {
      for (const [name, read] of readers) {
        yield { name, shape: specs[name]!.shape, data: await read() };
      }
    },
  };
}

/** From which grid to which a tensor is to be resized; undefined where it is not. */
function positionGrids(
  name: string,
  stored: readonly number[],
  shape: readonly number[],
  options: LoadOptions,
): { from: Grid; to: Grid } | undefined {
  if (!/(^|\.)embed_positions\.A\.weight$/.test(name) || shape.length !== 2) return undefined;
  const to = options.imageGrid ?? squareGrid(shape);
  if (!to || !hasGrid(shape, to)) {
    throw new ConfigError({
      code: 'config/grid',
      where: 'loadCheckpoint',
      expected: `imageGrid with ${shape[0]! - POSITION_PREFIX_ROWS} patches, as ${name} [${shape.join(', ')}] has`,
      got: to ? `[${to.join(', ')}]` : 'none, and the number is no square',
    });
  }
  if (stored.length !== 2 || stored[1] !== shape[1]) return undefined;
  if (!options.sourceGrid && stored[0] === shape[0]) return undefined;
  const from = options.sourceGrid ?? squareGrid(stored);
  if (!from || !hasGrid(stored, from) || sameShape(from, to)) return undefined;
  return { from, to };
}

function squareGrid(shape: readonly number[]): Grid | undefined {
  const side = Math.round(Math.sqrt(shape[0]! - POSITION_PREFIX_ROWS));
  return side > 0 && hasGrid(shape, [side, side]) ? [side, side] : undefined;
}

function hasGrid(shape: readonly number[], [height, width]: Grid): boolean {
  const whole = Number.isInteger(height) && Number.isInteger(width) && height > 0 && width > 0;
  return whole && shape[0] === POSITION_PREFIX_ROWS + height * width;
}

function sameShape(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((size, i) => size === b[i]);
}

function describe({ name, dtype, shape }: StoredTensor): string {
  return `${name} ${dtype} [${shape.join(', ')}]`;
}

/** Whether a name is one of `patterns`, in which `*` stands for any characters. */
function matcher(patterns: readonly string[]): (name: string) => boolean {
  const parts = patterns.map((pattern) =>
    pattern.split('*').map((text) => text.replace(/[.+?^${}()|[\]\\]/g, '\\$&')),
  );
  const expressions = parts.map((texts) => new RegExp(`^${texts.join('.*')}$`, 's'));
  return (name) => expressions.some((expression) => expression.test(name));
}

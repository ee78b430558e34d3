import type { FilePlace, ParameterPlace, ParameterSource } from '../backend/compiler.js';
import { CheckpointError } from '../errors/errors.js';
import type { DType } from './dtype.js';
import { type LoadOptions, loadCheckpoint } from './load-checkpoint.js';
import type { StoredTensor, TensorFile } from './tensor-file.js';

/** As for `loadCheckpoint`; what is not in the file cannot be initialised, as nothing is read. */
export type ParameterSourceOptions = Omit<LoadOptions, 'initialises'>;

/** What a compiled function reads as float32. */
const STORED: { readonly [D in DType]?: FilePlace['stored'] } = {
  F32: 'float32',
  F16: 'float16',
  BF16: 'bfloat16',
};

/**
 * Where each parameter of a model lies in a weights file or its shards, for a compiled function to
 * read it there: no weight is read here, and the file may be closed.
 *
 * Strict as `loadCheckpoint`: one `CheckpointMismatchError` lists everything missing, unexpected and
 * misshapen. Throws `checkpoint/not-in-place` with all parameters that cannot be used as they lie: no
 * F32, F16 or BF16, positions that would have to be resized, or bytes that are not in a file of their
 * own (a `.pth`, a source in memory).
 */
export function parameterSource(
  file: TensorFile,
  options: ParameterSourceOptions,
): ParameterSource {
  const { loaded, resized } = loadCheckpoint(file, { ...options, initialises: [] });
  const source: Record<string, ParameterPlace> = {};
  const elsewhere: string[] = [];
  for (const name of loaded) {
    const { dtype, shape, storedAt } = file.tensors.get(name)!;
    const stored = STORED[dtype];
    if (stored && storedAt && !resized.includes(name)) {
      source[name] = { shape, place: { ...storedAt, stored } };
    } else {
      elsewhere.push(`${name} (${reason(file.tensors.get(name)!, resized.includes(name))})`);
    }
  }
  if (elsewhere.length === 0) return source;
  throw new CheckpointError({
    code: 'checkpoint/not-in-place',
    where: 'parameterSource',
    expected: `parameters that can be read where they lie in ${file.name}`,
    got: `${elsewhere.length} others: ${elsewhere.join(', ')}`,
    fix: 'Convert it to a model directory of this size, or load it with loadTensors.',
  });
}

function reason({ dtype, storedAt }: StoredTensor, isResized: boolean): string {
  if (isResized) return 'to be resized';
  return STORED[dtype] && !storedAt ? 'in no file' : dtype;
}

import { exportOnnx, type Precision } from '@imglish/backend-onnx/node';
import {
  ConfigError,
  type Directory,
  type ModelJson,
  nearestName,
  type ParameterSource,
  parameterSource,
  parseModelJson,
  type ReadableDirectory,
  readModelDirectory,
} from '@imglish/core';
import { type PreprocessorConfig, parsePreprocessorConfig } from '@imglish/tokenizers';
import { specsOf } from '../model/head-specs.js';
import { type ExportPart, exampleOf, type PartGroup } from './part.js';
import { longestText, partsOf } from './parts.js';
import { exportReadme } from './readme.js';

export interface ExportModelOptions {
  /** Which parts; `all` by default. */
  readonly part?: PartGroup | 'all';
  /** Of the heads only those of this task. */
  readonly task?: string;
  readonly precision?: Precision;
  /** A fixed number of samples; free by default. */
  readonly batch?: number;
  /** Tokens that captions of the decoder have at most. */
  readonly maxLength?: number;
  readonly onWritten?: (file: ExportedFile) => void;
}

/** A part that was written. */
export interface ExportedFile {
  readonly file: string;
  readonly part: PartGroup;
  readonly task?: string;
  readonly precision: Precision;
  readonly bytes: number;
  readonly seconds: number;
}

/** How files of each precision end, as transformers.js looks for them. */
export const SUFFIXES: Readonly<Record<Precision, string>> = {
  float32: '',
  float16: '_fp16',
  int8: '_quantized',
};

const MAX_LENGTH = 64;

/**
 * Writes parts of a model directory as ONNX files, with a README of all that `target` holds. Weights
 * are read where they lie, in pieces.
 *
 * Throws what `readModelDirectory`, `parameterSource` and `exportOnnx` throw; `config/no-part` for a
 * part or task that the model lacks, `config/unsupported-option` for options of parts that are not
 * exported, `config/max-length`.
 */
export async function exportModel(
  source: ReadableDirectory,
  target: Directory,
  options: ExportModelOptions = {},
): Promise<ExportedFile[]> {
  const { precision = 'float32', batch } = options;
  const directory = await readModelDirectory(source);
  try {
    const json = parseModelJson(directory.config);
    const specs = specsOf(json, directory.tensors.tensors.keys());
    const parameters = parameterSource(directory.tensors, { specs });
    const preprocessor = directory.preprocessor && parsePreprocessorConfig(directory.preprocessor);
    const all = partsOf(json, roomFor(json, options.maxLength), specs);
    const wanted = chosen(all, json, options);
    const written: ExportedFile[] = [];
    for (const part of wanted) {
      const file = await writePart(part, json, parameters, target, precision, batch);
      written.push(file);
      options.onWritten?.(file);
    }
    await writeText(target, 'README.md', await readme(target, all, preprocessor));
    return written;
  } finally {
    await directory.close();
  }
}

function roomFor({ model }: ModelJson, maxLength: number | undefined): number {
  const longest = longestText(model);
  if (maxLength === undefined) return Math.min(MAX_LENGTH, longest);
  if (Number.isSafeInteger(maxLength) && maxLength >= 2 && maxLength <= longest) return maxLength;
  throw new ConfigError({
    code: 'config/max-length',
    where: 'imglish export',
    expected: `maxLength from 2 to ${longest}, the positions of the model's texts`,
    got: String(maxLength),
  });
}

async function writePart(
  part: ExportPart,
  json: ModelJson,
  parameters: ParameterSource,
  target: Directory,
  precision: Precision,
  batch: number | undefined,
): Promise<ExportedFile> {
  const begun = performance.now();
  const { file, group, task, f } = part;
  const name = file + SUFFIXES[precision];
  const { example, freeSizes } = exampleOf(part, batch);
  const { files } = await exportOnnx(f, example, target, {
    name,
    parameters,
    precision,
    freeSizes,
    metadata: { part: file, ...(task && { task }), config: JSON.stringify(json) },
  });
  return {
    file: files[0]!.name,
    part: group,
    ...(task && { task }),
    precision,
    bytes: files.reduce((sum, { bytes }) => sum + bytes, 0),
    seconds: (performance.now() - begun) / 1000,
  };
}

function chosen(
  parts: readonly ExportPart[],
  json: ModelJson,
  { part = 'all', task, maxLength }: ExportModelOptions,
): ExportPart[] {
  const found = [...new Set(parts.flatMap((each) => each.task ?? []))];
  if (task !== undefined && !found.includes(task)) {
    noPart(
      `a task that these weights have a head for (${found.join(', ') || 'none'})`,
      task,
      found,
    );
  }
  const ofTask = parts.filter((each) => !each.task || !task || each.task === task);
  const wanted = ofTask.filter(({ group }) => part === 'all' || group === part);
  if (wanted.length > 0) {
    const of = (group: PartGroup) => wanted.some((each) => each.group === group);
    if (task !== undefined && !of('head')) refuseOption('task', part, 'head');
    if (maxLength !== undefined && !of('prefill')) refuseOption('maxLength', part, 'prefill');
    return wanted;
  }
  const groups = [...new Set(parts.map(({ group }) => group))];
  return noPart(
    `a part that a model for ${json.head.task} has (${groups.join(', ')})`,
    part,
    groups,
  );
}

function refuseOption(option: string, part: string, group: PartGroup): never {
  throw new ConfigError({
    code: 'config/unsupported-option',
    where: 'imglish export',
    expected: `${option} only where the part ${group} is exported`,
    got: `the part ${part}`,
  });
}

function noPart(expected: string, got: string, known: readonly string[]): never {
  throw new ConfigError({
    code: 'config/no-part',
    where: 'imglish export',
    expected,
    got: `"${got}"`,
    ...(known.length > 0 && { fix: `The nearest is "${nearestName(got, known)}".` }),
  });
}

/** About the files of this model that are there, of earlier runs too. */
async function readme(
  target: Directory,
  parts: readonly ExportPart[],
  preprocessor: Required<PreprocessorConfig> | undefined,
): Promise<string> {
  const there = new Set(await target.list());
  const sizeOf = async (name: string): Promise<number> => {
    const file = await target.open(name);
    await file.close?.();
    return file.size;
  };
  const described = [];
  for (const part of parts) {
    const files = [];
    for (const [precision, suffix] of Object.entries(SUFFIXES)) {
      const names = [`${part.file}${suffix}.onnx`, `${part.file}${suffix}.onnx_data`];
      const own = names.filter((name) => there.has(name));
      const sizes = await Promise.all(own.map(sizeOf));
      const bytes = sizes.reduce((sum, size) => sum + size, 0);
      if (own.length > 0) files.push({ names: own, precision, bytes });
    }
    if (files.length > 0) described.push({ part, files });
  }
  return exportReadme(described, preprocessor);
}

async function writeText(target: Directory, name: string, text: string): Promise<void> {
  const sink = await target.create(name);
  try {
    await sink.write(new TextEncoder().encode(text));
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

import {
  type Backend,
  ConfigError,
  type ReadableDirectory,
  type RgbImage,
  rejectUnknownKeys,
} from '@imglish/core';
import { unknownTask } from '../model/find-task.js';
import { loadTaskModel } from '../model/save-load.js';
import { DEFINITIONS, type Definition, type Item, type Options } from './definitions.js';
import type { Pipeline, PipelineName } from './pipeline.js';
import { type ImageSource, type ReadImageOptions, readImage } from './read-image.js';

export interface CreatePipelineOptions {
  /** A model directory of the pipeline's task. */
  model: ReadableDirectory;
  /** Where to compute; the caller's, to be disposed after the pipeline. By default the current one. */
  backend?: Pick<Backend, 'compiler' | 'use'>;
  /** Bytes of an image that is given by a string or URL; by default it is fetched. */
  readBytes?: ReadImageOptions['readBytes'];
}

/** Names of all pipelines. */
export const PIPELINE_NAMES: readonly PipelineName[] = Object.keys(DEFINITIONS) as PipelineName[];

/**
 * Opens a fine-tuned model to be asked in one line: images come in as whatever they are (see
 * `ImageSource`), results are named as in transformers.js.
 *
 * @throws ConfigError `config/unknown-task`, what `loadTaskModel` throws; calls throw ConfigError
 * `config/invalid-value`, `config/unknown-key`, `config/disposed`, what `readImage` throws, and the
 * reason of their signal.
 */
export async function createPipeline<Name extends PipelineName>(
  name: Name,
  { model: directory, backend, readBytes }: CreatePipelineOptions,
): Promise<Pipeline<Name>> {
  const definition = definitionOf(name);
  await backend?.use();
  const model = await loadTaskModel(directory, definition.task, {
    ...(backend?.compiler ? { compiler: backend.compiler } : {}),
  });
  let disposed = false;
  const call = async (...given: unknown[]): Promise<unknown> => {
    if (disposed)
      throw refusal('config/disposed', name, 'a pipeline that is open', 'a disposed one');
    const { calls, single, options } = readArguments(name, definition, given);
    const { batch_size: size = 8, signal, ...own } = options;
    const answers: unknown[] = [];
    for (let from = 0; from < calls.length; from += size) {
      signal?.throwIfAborted();
      const batch = calls
        .slice(from, from + size)
        .map((item) => readItem(definition, item, { signal, ...(readBytes ? { readBytes } : {}) }));
      const items = await Promise.all(batch);
      await backend?.use();
      const interruptible = definition.options.includes('num_beams') ? { ...own, signal } : own;
      answers.push(...(await definition.answer(model, items, interruptible)));
    }
    signal?.throwIfAborted();
    if (definition.collect) return definition.collect(answers);
    return single ? answers[0] : answers;
  };
  const dispose = async (): Promise<void> => {
    if (disposed) return;
    disposed = true;
    await model.dispose();
  };
  return Object.assign(call, { task: name, dispose }) as unknown as Pipeline<Name>;
}

function definitionOf(name: string): Definition {
  const definition = Object.hasOwn(DEFINITIONS, name) ? DEFINITIONS[name] : undefined;
  if (definition) return definition;
  throw unknownTask('createPipeline', 'pipelines', name, PIPELINE_NAMES);
}

interface Arguments {
  /** What stands in the places of the inputs, for each answer. */
  calls: unknown[][];
  single: boolean;
  options: Options & { batch_size?: number; signal?: AbortSignal };
}

/** A single input, or arrays of one length, of which a single one among them belongs to all. */
function readArguments(
  name: string,
  { inputs, options: known }: Definition,
  given: unknown[],
): Arguments {
  const where = `pipeline ${name}`;
  const refuse = (expected: string, got: string) => {
    throw refusal('config/invalid-value', name, expected, got);
  };
  const values = given.slice(0, inputs.length);
  const options = (given[inputs.length] ?? {}) as Arguments['options'];
  if (values.length < inputs.length || given.length > inputs.length + 1) {
    refuse(`${inputs.join(', ')} and options`, `${given.length} arguments`);
  }
  rejectUnknownKeys(where, options, [...known, 'batch_size', 'signal']);
  for (const key of ['batch_size', 'top_k'] as const) {
    const value: unknown = options[key];
    if (value !== undefined && !(Number.isSafeInteger(value) && (value as number) > 0)) {
      refuse(`${key} to be a positive integer`, String(value));
    }
  }
  const many = values.map((value, i) => isMany(inputs[i]!, value));
  const lengths = new Set(
    values.filter((_, i) => many[i]).map((value) => (value as unknown[]).length),
  );
  if (lengths.size > 1) refuse('arrays of one length', `lengths ${[...lengths].join(' and ')}`);
  const [length = 1] = lengths;
  const calls = Array.from({ length }, (_, row) =>
    values.map((value, i) => (many[i] ? (value as unknown[])[row] : value)),
  );
  calls.forEach((item) => {
    checkItem(inputs, item, refuse);
  });
  return { calls, single: lengths.size === 0, options };
}

/** Whether a value is an array of inputs, not one input. */
function isMany(kind: Definition['inputs'][number], value: unknown): boolean {
  if (kind === 'texts' || !Array.isArray(value)) return false;
  return kind !== 'images' || value.length === 0 || Array.isArray(value[0]);
}

function checkItem(
  inputs: Definition['inputs'],
  item: readonly unknown[],
  refuse: (expected: string, got: string) => void,
): void {
  const isText = (value: unknown) => typeof value === 'string';
  inputs.forEach((kind, i) => {
    const value = item[i];
    if (kind === 'text' && !isText(value)) refuse('a text', typeof value);
    if (kind === 'texts' && !(Array.isArray(value) && value.length > 0 && value.every(isText)))
      refuse('an array of texts, at least one', JSON.stringify(value) ?? 'nothing');
    if (kind === 'images' && !(Array.isArray(value) && value.length === 2))
      refuse('two images, left and right', Array.isArray(value) ? `${value.length}` : typeof value);
  });
}

function readItem(
  { inputs }: Definition,
  item: readonly unknown[],
  options: ReadImageOptions,
): Promise<Item> {
  return Promise.all(
    item.map((value, i): Promise<RgbImage | RgbImage[] | string | string[]> => {
      if (inputs[i] === 'image') return readImage(value as ImageSource, options);
      if (inputs[i] === 'images')
        return Promise.all((value as ImageSource[]).map((one) => readImage(one, options)));
      return Promise.resolve(value as string | string[]);
    }),
  );
}

function refusal(code: string, name: string, expected: string, got: string): ConfigError {
  return new ConfigError({ code, where: `pipeline ${name}`, expected, got });
}

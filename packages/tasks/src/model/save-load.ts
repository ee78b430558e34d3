import {
  type Backend,
  backboneSpecs,
  CheckpointError,
  ConfigError,
  type Directory,
  disposeAll,
  type HeadJson,
  ImglishError,
  initialValues,
  loadCheckpoint,
  loadTensors,
  type ModelConfig,
  type ModelDirectory,
  modelConfig,
  type ParameterSource,
  type ParameterSourceOptions,
  type ParameterSpecs,
  type Parameters,
  parameterSource,
  parseModelJson,
  patchGrid,
  type ReadableDirectory,
  readModelDirectory,
  type TensorFile,
  writeModelDirectory,
} from '@imglish/core';
import { parsePreprocessorConfig, textTokenizer } from '@imglish/tokenizers';
import { type Tensor, tensor } from '@tensorflow/tfjs-core';
import type { Task, TaskReader, TaskTypes } from '../task.js';
import { type OpenTaskModel, taskModel } from './task-model.js';

/** A task's model as it is saved. */
export interface SavedTask {
  reader: TaskReader;
  parameters: Parameters;
}

export interface TaskFiles {
  /** The SentencePiece model of the text tokenizer, where the task reads texts. */
  spm?: Uint8Array | undefined;
  /** The model card, Markdown. */
  card?: string;
}

/** Every parameter of a task's model. */
export function taskSpecs<T extends TaskTypes>(
  task: Task<T>,
  { config, labels }: Pick<TaskReader, 'config' | 'labels'>,
): ParameterSpecs {
  return { ...backboneSpecs(config), ...task.headSpecs(config, task.options(labels)) };
}

/**
 * Writes a fine-tuned model as a model directory; labels are in `config.json`.
 *
 * Throws `config/no-tokenizer` for a task that reads texts without `spm`.
 */
export async function saveTaskModel<T extends TaskTypes>(
  directory: Directory,
  task: Task<T>,
  { reader, parameters }: SavedTask,
  { spm, card }: TaskFiles = {},
): Promise<void> {
  const { config, preprocessor, labels } = reader;
  if (task.readsText && !spm) {
    throw new ConfigError({
      code: 'config/no-tokenizer',
      where: 'saveTaskModel',
      expected: `the text tokenizer of a model for ${task.name}`,
      got: 'none',
    });
  }
  const head: HeadJson = {
    task: task.name,
    options: task.options(labels) as Record<string, number>,
    ...(task.labels ? { labels } : {}),
  };
  await writeModelDirectory(directory, {
    config: { model: { ...config, dropPathRate: 0 }, head },
    preprocessor: { ...preprocessor },
    tensors: Object.keys(taskSpecs(task, reader)).map((name) => entryOf(name, parameters[name]!)),
    ...(spm ? { tokenizer: spm } : {}),
    ...(card === undefined ? {} : { card }),
  });
}

/**
 * Opens a fine-tuned model of that task, to be run on a backend; compiled, its parameters are read where
 * they lie, or loaded where an engine cannot find them (in memory, in a browser's cache). Who opens it
 * disposes it.
 *
 * Throws `checkpoint/other-head` for a model of another task, `checkpoint/no-labels` for one whose
 * labels are not known, and what the readers throw.
 */
export async function loadTaskModel<T extends TaskTypes>(
  directory: ReadableDirectory,
  task: Task<T>,
  { compiler }: Pick<Backend, 'compiler'> = {},
): Promise<OpenTaskModel> {
  const files = await readModelDirectory(directory);
  try {
    const { model: config, head } = parseModelJson(files.config);
    const partOf = task.partOf?.includes(head.task) ?? false;
    if (head.task !== task.name && !partOf) {
      refuse('other-head', `a model for ${task.name} in ${directory.name}`, head.task, {
        fix: `Tune it first: imglish finetune ${task.name}.`,
      });
    }
    const reader: TaskReader = {
      config,
      ...readersOf(files, task, config),
      labels: labelsOf(head, task),
    };
    const specs = taskSpecs(task, reader);
    const options = { specs, ignores: partOf ? othersThan(files.tensors, specs) : [] };
    const places = compiler && placesOf(files.tensors, options);
    if (compiler && places) return taskModel(reader, places, { compiler });
    const parameters = await loadTensors(loadCheckpoint(files.tensors, options));
    const model = taskModel(reader, parameters, compiler ? { compiler } : {});
    return {
      ...model,
      dispose: async () => {
        await model.dispose();
        disposeAll(parameters);
      },
    };
  } finally {
    await files.close();
  }
}

/** Where an engine finds the parameters; nothing unless it finds all of them. */
function placesOf(file: TensorFile, options: ParameterSourceOptions): ParameterSource | undefined {
  try {
    return parameterSource(file, options);
  } catch (error) {
    if (ImglishError.isInstance(error) && error.code === 'checkpoint/not-in-place') return;
    throw error;
  }
}

export interface BeginOptions {
  /** Classes or answers of the data; by default those of the model, if it is one of the same task. */
  labels?: readonly string[] | undefined;
  /** Resolution; by default the model's. Positions are resized. */
  imageSize?: ModelConfig['imageSize'] | undefined;
  /** Of parameters that the model does not have. */
  seed?: number;
}

/** Where fine-tuning begins. */
export interface Beginning {
  reader: TaskReader;
  /** The caller owns them. */
  parameters: Parameters;
  /** The text tokenizer as a file. */
  spm: Uint8Array | undefined;
  /** Parameters that begin anew. */
  initialised: readonly string[];
  /** Tensors of the file that are not used. */
  ignored: readonly string[];
  /** Position tables that were resized to another resolution. */
  resized: readonly string[];
}

/**
 * Reads any model, pretrained or of whatever task, as the beginning of a task's. The backbone has to be
 * there in full; the head is taken over from a model of the same task with the same labels (or where
 * its parameters mean the same in every task, such as `mlm_head`) and begins anew otherwise.
 *
 * Throws `config/no-labels` where the task has labels and nobody says which, and what the readers throw.
 */
export async function beginTask<T extends TaskTypes>(
  directory: ReadableDirectory,
  task: Task<T>,
  { labels: given, imageSize, seed = 0 }: BeginOptions = {},
): Promise<Beginning> {
  const files = await readModelDirectory(directory);
  try {
    const { model: source, head } = parseModelJson(files.config);
    const known = head.task === task.name ? head.labels : undefined;
    const labels = task.labels ? (given ?? known ?? noLabels(task)) : [];
    const config = modelConfig({
      ...source,
      normalizeOutput: task.normalizeOutput,
      ...(imageSize ? { imageSize } : {}),
    });
    const same = task.labels
      ? head.task === task.name && known?.join('\n') === labels.join('\n')
      : true;
    const headNames = Object.keys(task.headSpecs(config, task.options(labels)));
    const specs = taskSpecs(task, { config, labels });
    const file = same ? files.tensors : without(files.tensors, headNames);
    const checkpoint = loadCheckpoint(file, {
      specs,
      initialises: [
        ...headNames,
        ...(source.normalizeOutput ? [] : ['beit3.encoder.layer_norm.*']),
      ],
      ignores: othersThan(file, specs),
      imageGrid: patchGrid(config),
      sourceGrid: patchGrid(source),
    });
    const parameters: Record<string, Tensor> = await loadTensors(checkpoint);
    for (const name of checkpoint.initialised) {
      const spec = specs[name]!;
      parameters[name] = tensor(initialValues(name, spec, seed), [...spec.shape], 'float32');
    }
    const inOrder = Object.keys(specs).map((name) => [name, parameters[name]!] as const);
    const { tokenizer, preprocessor } = readersOf(files, task, config);
    const own = head.task === task.name && !imageSize;
    return {
      reader: {
        config,
        labels,
        tokenizer,
        preprocessor: own ? preprocessor : task.preprocessor(config.imageSize),
      },
      parameters: Object.fromEntries(inOrder),
      spm: files.tokenizer,
      initialised: checkpoint.initialised,
      ignored: [
        ...checkpoint.ignored,
        ...(same ? [] : headNames.filter((n) => files.tensors.tensors.has(n))),
      ],
      resized: checkpoint.resized,
    };
  } finally {
    await files.close();
  }
}

/** What reads the model's inputs. */
function readersOf<T extends TaskTypes>(
  files: ModelDirectory,
  task: Task<T>,
  config: ModelConfig,
): Pick<TaskReader, 'tokenizer' | 'preprocessor'> {
  if (task.readsText && !files.tokenizer) {
    refuse('no-tokenizer', `tokenizer.spm, for ${task.name}`, 'none');
  }
  return {
    preprocessor: files.preprocessor
      ? parsePreprocessorConfig(files.preprocessor)
      : task.preprocessor(config.imageSize),
    ...(files.tokenizer ? { tokenizer: textTokenizer(files.tokenizer) } : {}),
  };
}

function labelsOf<T extends TaskTypes>(head: HeadJson, task: Task<T>): readonly string[] {
  if (!task.labels) return [];
  const labels = head.labels ?? [];
  const size = Object.values(task.options(labels) as Record<string, number>)[0];
  const rows = Object.values(head.options)[0];
  if (size === rows && labels.length > 0) return labels;
  return refuse(
    'no-labels',
    `as many ${task.labels} in config.json as its head has`,
    `${labels.length} of ${rows}`,
    {
      fix: 'A converted checkpoint has none: put them into head.labels of config.json.',
    },
  );
}

/** Names in a file that a model does not have: other heads, and the norm that a task leaves out. */
function othersThan(file: TensorFile, specs: ParameterSpecs): string[] {
  return [...file.tensors.keys()].filter(
    (name) =>
      !(name in specs) &&
      (!name.startsWith('beit3.') || name.startsWith('beit3.encoder.layer_norm.')),
  );
}

function without(file: TensorFile, names: readonly string[]): TensorFile {
  const tensors = new Map([...file.tensors].filter(([name]) => !names.includes(name)));
  return { ...file, name: file.name, tensors, close: () => file.close() };
}

function noLabels<T extends TaskTypes>(task: Task<T>): never {
  throw new ConfigError({
    code: 'config/no-labels',
    where: 'beginTask',
    expected: `the ${task.labels} to tell apart`,
    got: 'none',
    fix: 'Give those of the data.',
  });
}

function refuse(code: string, expected: string, got: string, more: { fix?: string } = {}): never {
  throw new CheckpointError({
    code: `checkpoint/${code}`,
    where: 'loadTaskModel',
    expected,
    got,
    ...more,
  });
}

/** A tensor of the current backend as a writer takes it: read when its turn comes. */
function entryOf(name: string, value: Tensor) {
  return {
    name,
    dtype: 'F32' as const,
    shape: value.shape,
    read: async () => (await value.data<'float32'>()) as Float32Array<ArrayBuffer>,
  };
}

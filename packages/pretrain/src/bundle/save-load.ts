import {
  type Backend,
  CheckpointError,
  type CompiledExecutorOptions,
  compiledExecutor,
  type Directory,
  disposeAll,
  eagerExecutor,
  ImglishError,
  loadCheckpoint,
  loadTensors,
  type ParameterSpecs,
  parameterSource,
  parseModelJson,
  type ReadableDirectory,
  readModelDirectory,
  type TensorEntry,
  type TensorFile,
  writeModelDirectory,
} from '@imglish/core';
import {
  loadVisualTokenizer,
  parsePreprocessorConfig,
  textTokenizer,
  type VisualTokenizer,
  visualTokenizerFiles,
} from '@imglish/tokenizers';
import type { Tensor } from '@tensorflow/tfjs-core';
import { headSpecsIn } from '../objectives/objectives.js';
import { MASKED_FREE_SIZES } from '../objectives/run-masked-logits.js';
import { pretrainSpecs } from '../recipe/pretrain.js';
import { requireCodebookFits, requireTokenizersFit } from './model-fit.js';
import type { PretrainedModel, ServedModel } from './pretrained-model.js';

/** The head that masked data modelling leaves on a model, as `config.json` names it. */
export const MASKED_DATA_MODELLING = 'masked-data-modelling';

/** The same of a model that was pretrained without masked data modelling. */
export const PRETRAINING = 'pretraining';

/** A model to be saved; where it has no head over visual codes it needs no tokenizer that makes them. */
export type PretrainedToSave = Omit<PretrainedModel, 'tokenizer' | 'visualTokenizer'> & {
  visualTokenizer?: VisualTokenizer | undefined;
};

export interface PretrainedFiles {
  /** The SentencePiece model of the text tokenizer. */
  spm: Uint8Array;
  /** The model card, Markdown. */
  card?: string;
}

/**
 * Writes a pretrained model as a model directory: `config.json`, `model.safetensors`,
 * `tokenizer.spm`, `preprocessor_config.json`, `README.md`, and the visual tokenizer as
 * `visual_tokenizer.{json,safetensors}`. A directory with a `config.json` is complete. Heads of all
 * objectives are saved with the model.
 *
 * Throws `config/codebook-size` for a visual tokenizer that is not that of the head.
 */
export async function savePretrained(
  directory: Directory,
  model: PretrainedToSave,
  { spm, card }: PretrainedFiles,
): Promise<void> {
  const { config, parameters, preprocessor } = model;
  const visualTokenizer = parameters['mim_head.weight'] && model.visualTokenizer;
  if (visualTokenizer) {
    requireCodebookFits('savePretrained', parameters, visualTokenizer.codes);
    await writeVisualTokenizer(directory, visualTokenizer);
  }
  await writeModelDirectory(directory, {
    config: {
      model: config,
      head: visualTokenizer
        ? { task: MASKED_DATA_MODELLING, options: { codes: visualTokenizer.codes } }
        : { task: PRETRAINING, options: {} },
    },
    preprocessor: { ...preprocessor },
    tokenizer: spm,
    tensors: Object.entries(parameters).map(([name, value]) => entryOf(name, value)),
    ...(card === undefined ? {} : { card }),
  });
}

/**
 * Opens what `savePretrained` wrote; the caller owns `parameters`.
 *
 * Throws `checkpoint/no-tokenizer` or `checkpoint/other-head` for a model directory that is not
 * one of masked data modelling, `checkpoint/codebook-size` or `ConfigError` for parts that do not
 * belong together, and what the readers throw.
 */
export async function loadPretrained(directory: ReadableDirectory): Promise<PretrainedModel> {
  return open('loadPretrained', directory, {}, async (model, tensors, specs) => ({
    ...model,
    parameters: await loadTensors(loadCheckpoint(tensors, { specs })),
  }));
}

/**
 * Opens what `savePretrained` wrote, to be run on a backend. Where that compiles, the parameters are
 * read by the engine where they lie and never become tensors. One compilation serves texts of any
 * length and batches of any size; without free sizes it takes less time, but each size takes its own.
 * Throws as `loadPretrained`, and `checkpoint/not-in-place` where the engine could not read them there.
 */
export async function servePretrained(
  directory: ReadableDirectory,
  backend: Pick<Backend, 'compiler'>,
  options: CompiledExecutorOptions = { freeSizes: MASKED_FREE_SIZES },
): Promise<ServedModel & { dispose(): Promise<void> }> {
  const { compiler } = backend;
  return open('servePretrained', directory, backend, async (model, tensors, specs) => {
    if (compiler) {
      const source = parameterSource(tensors, { specs });
      const executor = compiledExecutor(compiler, source, options);
      const dispose = async (): Promise<void> => {
        await executor.dispose();
        await model.visualTokenizer.dispose?.();
      };
      return { ...model, executor, dispose };
    }
    const parameters = await loadTensors(loadCheckpoint(tensors, { specs }));
    const executor = eagerExecutor(parameters);
    const dispose = async (): Promise<void> => {
      await executor.dispose();
      disposeAll(parameters);
      await model.visualTokenizer.dispose?.();
    };
    return { ...model, executor, dispose };
  });
}

/** Reads and checks all of a model but its parameters, which `read` sees to. */
async function open<T>(
  where: string,
  directory: ReadableDirectory,
  backend: Pick<Backend, 'compiler'>,
  read: (
    model: Omit<PretrainedModel, 'parameters'>,
    tensors: TensorFile,
    specs: ParameterSpecs,
  ) => Promise<T>,
): Promise<T> {
  const files = await readModelDirectory(directory);
  const refuse = (what: string, expected: string, got: string): never => {
    const details = { code: `checkpoint/${what}`, where };
    throw new CheckpointError({ ...details, expected: `${expected} in ${directory.name}`, got });
  };
  try {
    const { model: config, head } = parseModelJson(files.config);
    if (head.task !== MASKED_DATA_MODELLING) {
      refuse('other-head', `a model with the head ${MASKED_DATA_MODELLING}`, head.task);
    }
    const spm = files.tokenizer ?? refuse('no-tokenizer', 'tokenizer.spm', 'none');
    const tokenizer = textTokenizer(spm);
    const visualTokenizer = await loadVisualTokenizer(directory, backend);
    const { codes } = visualTokenizer;
    if (head.options.codes !== codes) {
      const expected = `a visual tokenizer of ${head.options.codes} codes, the size of the head`;
      refuse('codebook-size', expected, `${codes}`);
    }
    requireTokenizersFit(where, config, { tokenizer, visualTokenizer });
    const preprocessor = parsePreprocessorConfig(files.preprocessor ?? { size: config.imageSize });
    const model = { config, tokenizer, visualTokenizer, preprocessor };
    const heads = headSpecsIn(files.tensors.tensors.keys(), config, codes);
    return await read(model, files.tensors, { ...pretrainSpecs(config, codes), ...heads });
  } finally {
    await files.close();
  }
}

/**
 * Writes a visual tokenizer beside a model. Where it is another than before, the model there is given
 * up first: weights never stand beside the codebook of others.
 */
async function writeVisualTokenizer(
  directory: Directory,
  tokenizer: VisualTokenizer,
): Promise<void> {
  const files = await visualTokenizerFiles(tokenizer);
  for (const [name, bytes] of Object.entries(files)) {
    const before = await readIfThere(directory, name);
    if (before?.length === bytes.length && before.every((byte, i) => byte === bytes[i])) continue;
    const sink = await directory.create(name);
    try {
      await sink.write(bytes);
      await sink.flush?.();
      await directory.remove('config.json');
      await sink.close();
    } catch (error) {
      await sink.abort();
      throw error;
    }
  }
}

async function readFile(directory: ReadableDirectory, name: string): Promise<Uint8Array> {
  const source = await directory.open(name);
  try {
    return (await source.read(0, source.size)).slice();
  } finally {
    await source.close?.();
  }
}

async function readIfThere(
  directory: ReadableDirectory,
  name: string,
): Promise<Uint8Array | undefined> {
  try {
    return await readFile(directory, name);
  } catch (error) {
    if (ImglishError.isInstance(error) && error.code === 'io/not-found') return undefined;
    throw error;
  }
}

/** A tensor of the current backend as a writer takes it: read when its turn comes. */
function entryOf(name: string, value: Tensor): TensorEntry {
  return {
    name,
    dtype: 'F32',
    shape: value.shape,
    read: async () => (await value.data<'float32'>()) as Float32Array<ArrayBuffer>,
  };
}

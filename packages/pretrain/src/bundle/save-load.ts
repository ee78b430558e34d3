import {
  CheckpointError,
  type Directory,
  loadCheckpoint,
  loadTensors,
  openSafetensors,
  parseModelJson,
  type ReadableDirectory,
  readModelDirectory,
  type TensorEntry,
  tensorEntry,
  writeModelDirectory,
  writeSafetensors,
} from '@imglish/core';
import {
  type HostTensor,
  KMeansTokenizer,
  parsePreprocessorConfig,
  textTokenizer,
  type VisualTokenizer,
} from '@imglish/tokenizers';
import type { Tensor } from '@tensorflow/tfjs-core';
import { pretrainSpecs } from '../recipe/pretrain.js';
import type { PretrainedModel } from './pretrained-model.js';

/** The head that pretraining leaves on a model, as `config.json` names it. */
export const MASKED_DATA_MODELLING = 'masked-data-modelling';

const VISUAL_CONFIG = 'visual_tokenizer.json';
const VISUAL_TENSORS = 'visual_tokenizer.safetensors';

export interface PretrainedFiles {
  /** The SentencePiece model of the text tokenizer. */
  spm: Uint8Array;
  /** The model card, Markdown. */
  card?: string;
}

/**
 * Writes a pretrained model as a model directory: `config.json`, `model.safetensors`,
 * `tokenizer.spm`, `preprocessor_config.json`, `README.md`, and the visual tokenizer as
 * `visual_tokenizer.{json,safetensors}`.
 */
export async function savePretrained(
  directory: Directory,
  model: Omit<PretrainedModel, 'tokenizer'>,
  { spm, card }: PretrainedFiles,
): Promise<void> {
  const { config, parameters, preprocessor, visualTokenizer } = model;
  await writeVisualTokenizer(directory, visualTokenizer);
  await writeModelDirectory(directory, {
    config: {
      model: config,
      head: { task: MASKED_DATA_MODELLING, options: { codes: visualTokenizer.codes } },
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
 * one of masked data modelling, and what the readers throw.
 */
export async function loadPretrained(directory: ReadableDirectory): Promise<PretrainedModel> {
  const files = await readModelDirectory(directory);
  try {
    const { model, head } = parseModelJson(files.config);
    if (head.task !== MASKED_DATA_MODELLING) {
      throw new CheckpointError({
        code: 'checkpoint/other-head',
        where: 'loadPretrained',
        expected: `a model with the head ${MASKED_DATA_MODELLING} in ${directory.name}`,
        got: head.task,
      });
    }
    if (!files.tokenizer) {
      throw new CheckpointError({
        code: 'checkpoint/no-tokenizer',
        where: 'loadPretrained',
        expected: `tokenizer.spm in ${directory.name}`,
        got: 'none',
      });
    }
    const visualTokenizer = await readVisualTokenizer(directory);
    const tokenizer = textTokenizer(files.tokenizer);
    const preprocessor = parsePreprocessorConfig(files.preprocessor ?? { size: model.imageSize });
    const specs = pretrainSpecs(model, visualTokenizer.codes);
    const parameters = await loadTensors(loadCheckpoint(files.tensors, { specs }));
    return { config: model, parameters, tokenizer, visualTokenizer, preprocessor };
  } finally {
    await files.close();
  }
}

/** Writes a visual tokenizer beside a model. */
async function writeVisualTokenizer(
  directory: Directory,
  tokenizer: VisualTokenizer,
): Promise<void> {
  const tensors = Object.entries(tokenizer.toTensors());
  await writeSafetensors(
    await directory.create(VISUAL_TENSORS),
    tensors.map(([name, { shape, data }]) => tensorEntry(name, 'F32', shape, data)),
  );
  const sink = await directory.create(VISUAL_CONFIG);
  await sink.write(new TextEncoder().encode(`${JSON.stringify(tokenizer.toJSON(), null, 2)}\n`));
  await sink.close();
}

async function readVisualTokenizer(directory: ReadableDirectory): Promise<VisualTokenizer> {
  const source = await directory.open(VISUAL_CONFIG);
  const text = new TextDecoder().decode(await source.read(0, source.size));
  await source.close?.();
  const file = await openSafetensors(await directory.open(VISUAL_TENSORS));
  const tensors: Record<string, HostTensor> = {};
  for (const [name, stored] of file.tensors) {
    tensors[name] = { shape: stored.shape, data: await stored.readFloat32() };
  }
  await file.close();
  return KMeansTokenizer.fromTensors(parseJson(text, directory), tensors);
}

function parseJson(text: string, directory: ReadableDirectory): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new CheckpointError({
      code: 'checkpoint/json',
      where: 'loadPretrained',
      expected: `JSON in ${VISUAL_CONFIG} of ${directory.name}`,
      got: String(cause),
      cause,
    });
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

import {
  type Backend,
  backboneSpecs,
  CheckpointError,
  ImglishError,
  loadCheckpoint,
  loadTensors,
  parseModelJson,
  type ReadableDirectory,
  readModelDirectory,
} from '@imglish/core';
import { loadVisualTokenizer, parsePreprocessorConfig, textTokenizer } from '@imglish/tokenizers';
import { headSpecsIn } from '../objectives/objectives.js';
import { requireTokenizersFit } from './model-fit.js';
import type { PretrainedModel } from './pretrained-model.js';

/** A model from which pretraining goes on. */
export interface PretrainBeginning extends Omit<PretrainedModel, 'visualTokenizer'> {
  /** Where the model has one. */
  visualTokenizer?: PretrainedModel['visualTokenizer'];
  /** The text tokenizer as a file. */
  spm: Uint8Array;
}

const VISUAL_TOKENIZER = 'visual_tokenizer.json';

/**
 * Opens any model directory with a text tokenizer, pretrained or tuned for a task, to be pretrained
 * further, perhaps by other objectives: its whole backbone, and those heads that an objective has.
 * The caller owns the parameters.
 *
 * Throws `checkpoint/no-tokenizer`, `checkpoint/mismatch` for a model without the whole backbone, or
 * what the readers throw.
 */
export async function beginPretraining(
  directory: ReadableDirectory,
  backend: Pick<Backend, 'compiler'> = {},
): Promise<PretrainBeginning> {
  const files = await readModelDirectory(directory);
  try {
    const { model: config } = parseModelJson(files.config);
    const { tokenizer: spm } = files;
    if (!spm) {
      throw new CheckpointError({
        code: 'checkpoint/no-tokenizer',
        where: 'beginPretraining',
        expected: `tokenizer.spm in ${directory.name}`,
        got: 'none',
      });
    }
    const tokenizer = textTokenizer(spm);
    const there = await isThere(directory, VISUAL_TOKENIZER);
    const visualTokenizer = there ? await loadVisualTokenizer(directory, backend) : undefined;
    requireTokenizersFit('beginPretraining', config, { tokenizer, visualTokenizer });
    const names = [...files.tensors.tensors.keys()];
    const heads = headSpecsIn(names, config, visualTokenizer?.codes ?? 0);
    const specs = { ...backboneSpecs(config), ...heads };
    const ignores = names.filter((name) => !name.startsWith('beit3.') && !specs[name]);
    return {
      config,
      tokenizer,
      preprocessor: parsePreprocessorConfig(files.preprocessor ?? { size: config.imageSize }),
      parameters: await loadTensors(loadCheckpoint(files.tensors, { specs, ignores })),
      spm,
      ...(visualTokenizer ? { visualTokenizer } : {}),
    };
  } finally {
    await files.close();
  }
}

async function isThere(directory: ReadableDirectory, name: string): Promise<boolean> {
  try {
    await (await directory.open(name)).close?.();
    return true;
  } catch (error) {
    if (ImglishError.isInstance(error) && error.code === 'io/not-found') return false;
    throw error;
  }
}

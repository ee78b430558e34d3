import { auto } from '@imglish/backend-auto';
import { ConfigError, httpDirectory, type ReadableDirectory } from '@imglish/core';
import type { Pipeline, PipelineName } from '@imglish/tasks';
import { cachedDirectory } from './cached-directory.js';
import { openPipeline } from './open-pipeline.js';
import type { PipelineOptions } from './options.js';

export { ImglishError, type RgbImage } from '@imglish/core';
export {
  type AnswerScore,
  type FeatureMatrix,
  type FilledMask,
  type GeneratedText,
  type ImageSource,
  type LabelScore,
  PIPELINE_NAMES,
  type Pipeline,
  type PipelineName,
  readImage,
} from '@imglish/tasks';
export type { ModelProgress, PipelineOptions } from './options.js';

/**
 * Opens a fine-tuned model to be asked in one line; in Node import this from `imglish/node`.
 *
 * `model` is the URL of a model directory, in a page relative to it, or a directory of another kind.
 *
 * @throws ConfigError `config/unknown-task`, `config/unsupported-option`, `config/unknown-key`,
 * `config/invalid-value`; BackendError `backend/unknown`, `backend/unavailable`; CheckpointError and
 * IoError where the model cannot be read.
 */
export function pipeline<Name extends PipelineName>(
  task: Name,
  model: string | URL | ReadableDirectory,
  options: PipelineOptions = {},
): Promise<Pipeline<Name>> {
  return openPipeline({ auto, directory }, task, model, options);
}

function directory(model: string | URL, useCache: boolean): ReadableDirectory {
  const page = (globalThis as { location?: { href: string } }).location?.href;
  if (!URL.canParse(String(model), page)) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where: 'pipeline',
      expected: 'the URL of a model directory',
      got: JSON.stringify(String(model)),
      fix: 'For a path of the file system, import pipeline from imglish/node.',
    });
  }
  const url = new URL(model, page);
  return useCache ? cachedDirectory(url) : httpDirectory(url);
}

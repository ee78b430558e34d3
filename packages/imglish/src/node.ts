import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { auto } from '@imglish/backend-auto/node';
import { httpDirectory, IoError, type ReadableDirectory } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { fetchBytes, type Pipeline, type PipelineName } from '@imglish/tasks';
import { openPipeline } from './open-pipeline.js';
import type { PipelineOptions } from './options.js';

export { type Gallery, type GalleryMatch, openGallery } from './gallery/gallery.js';
export {
  type AnswerScore,
  type FeatureMatrix,
  type FilledMask,
  type GeneratedText,
  type ImageSource,
  ImglishError,
  type LabelScore,
  type ModelProgress,
  PIPELINE_NAMES,
  type Pipeline,
  type PipelineName,
  type PipelineOptions,
  type RgbImage,
  readImage,
} from './index.js';

/**
 * Opens a fine-tuned model to be asked in one line. `model` is the path or URL of a model directory;
 * images may be paths too.
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
  return openPipeline({ auto, directory, readBytes }, task, model, options);
}

function directory(model: string | URL): ReadableDirectory {
  return isRemote(model) ? remoteDirectory(model) : fileDirectory(pathOf(model));
}

/** A directory of the web that names no places: the engines of Node look for weights in files alone. */
function remoteDirectory(url: string | URL): ReadableDirectory {
  const remote = httpDirectory(url);
  return {
    name: remote.name,
    async open(file) {
      const { location, ...source } = await remote.open(file);
      return source;
    },
  };
}

async function readBytes(location: string | URL, signal?: AbortSignal): Promise<Uint8Array> {
  if (isRemote(location) || /^(data|blob):/i.test(String(location)))
    return fetchBytes(location, signal);
  try {
    return await readFile(pathOf(location), signal ? { signal } : {});
  } catch (cause) {
    signal?.throwIfAborted();
    throw new IoError({
      code: (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'io/not-found' : 'io/read',
      where: 'readImage',
      expected: `a readable file ${location}`,
      got: (cause as Error).message,
      cause,
    });
  }
}

function isRemote(location: string | URL): boolean {
  return /^https?:/i.test(String(location));
}

function pathOf(location: string | URL): string {
  return /^file:/i.test(String(location)) ? fileURLToPath(location) : String(location);
}

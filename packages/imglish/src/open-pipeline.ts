import type { Choice } from '@imglish/backend-auto';
import type { ReadableDirectory } from '@imglish/core';
import {
  createPipeline,
  type Pipeline,
  type PipelineName,
  type ReadImageOptions,
} from '@imglish/tasks';
import { observedDirectory } from './observed-directory.js';
import { checkOptions, type PipelineOptions } from './options.js';

/** What differs between Node and a browser. */
export interface Surroundings {
  auto: (options: { backend?: string }) => Promise<Choice>;
  directory: (model: string | URL, useCache: boolean) => ReadableDirectory;
  readBytes?: ReadImageOptions['readBytes'];
}

/** Opens a backend and a pipeline on it; both go with `dispose`. */
export async function openPipeline<Name extends PipelineName>(
  { auto, directory, readBytes }: Surroundings,
  task: Name,
  model: string | URL | ReadableDirectory,
  options: PipelineOptions,
): Promise<Pipeline<Name>> {
  checkOptions('pipeline', options);
  const { device, progress_callback: tell, use_cache: useCache = true } = options;
  const named = typeof model === 'string' || model instanceof URL;
  const files = named ? directory(model, useCache) : model;
  const { backend } = await auto(
    device === undefined || device === 'auto' ? {} : { backend: device },
  );
  try {
    const pipe = await createPipeline(task, {
      model: tell ? observedDirectory(files, tell) : files,
      backend,
      ...(readBytes ? { readBytes } : {}),
    });
    tell?.({ status: 'ready', name: files.name, task });
    const dispose = async (): Promise<void> => {
      await pipe.dispose();
      if (backend.ready) backend.dispose();
    };
    const call = pipe as unknown as (...given: unknown[]) => unknown;
    return Object.assign((...given: unknown[]) => call(...given), {
      task,
      dispose,
    }) as unknown as Pipeline<Name>;
  } catch (error) {
    backend.dispose();
    throw error;
  }
}

import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { auto } from '@imglish/backend-auto/node';
import { initializeParameters, modelConfig, preset, type ReadableDirectory } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { saveTaskModel, type Task, taskSpecs, tasks } from '@imglish/tasks';
import { dispose } from '@tensorflow/tfjs-core';

const spmFile = new URL('../../../fixtures/golden/tokenizer/tiny_unigram1000.spm', import.meta.url);

/** A model of random weights for a task, in a folder of its own. Leaves no backend open that was not there before. */
export async function tinyModel(
  name: keyof typeof tasks,
  labels: readonly string[] = [],
): Promise<ReadableDirectory> {
  const { backend } = await auto({ backend: 'cpu' });
  const task = tasks[name] as unknown as Task;
  const config = modelConfig({
    ...preset('tiny'),
    vocabularySize: 1002,
    normalizeOutput: task.normalizeOutput,
  });
  const reader = { config, labels, preprocessor: task.preprocessor(config.imageSize) };
  const parameters = initializeParameters(taskSpecs(task, reader), 1);
  const directory = fileDirectory(mkdtempSync(join(tmpdir(), 'imglish-')));
  const files = task.readsText ? { spm: new Uint8Array(readFileSync(spmFile)) } : {};
  await saveTaskModel(directory, task, { reader, parameters }, files);
  dispose(parameters);
  backend.dispose();
  return directory;
}

import '@tensorflow/tfjs-backend-cpu';
import { type Directory, disposeAll, memoryDirectory } from '@imglish/core';
import { expectAllClose, withoutLeaks } from '@imglish/testing';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { objectiveParameters } from '../../test/objectives.js';
import { toyConfig, toySpm, toyVisualTokenizer } from '../../test/toy.js';
import type { ObjectiveName } from '../objectives/objectives.js';
import { beginPretraining } from './begin.js';
import { loadPretrained, savePretrained } from './save-load.js';

const config = toyConfig();
const spm = toySpm();
const preprocessor = defaultPreprocessor(config.imageSize);

async function saved(...names: ObjectiveName[]) {
  const directory: Directory = memoryDirectory();
  const parameters = objectiveParameters(names, config);
  const model = { config, parameters, preprocessor, visualTokenizer: toyVisualTokenizer() };
  await savePretrained(directory, model, { spm });
  return { directory, parameters };
}

function expectSame(actual: Readonly<Record<string, Tensor>>, expected: Record<string, Tensor>) {
  expect(Object.keys(actual).sort()).toEqual(Object.keys(expected).sort());
  for (const [name, tensor] of Object.entries(expected)) {
    expectAllClose(actual[name]!, tensor, { absolute: 0 });
  }
}

it('goes on with the backbone, the heads and the tokenizers of a model', async () => {
  const { directory, parameters } = await saved('masked-data-modelling', 'image-text-contrastive');
  await withoutLeaks(async () => disposeAll((await beginPretraining(directory)).parameters));
  const begun = await beginPretraining(directory);
  expect(begun.config).toEqual(config);
  expect(begun.visualTokenizer!.toTensors()).toEqual(toyVisualTokenizer().toTensors());
  expect([...begun.spm]).toEqual([...spm]);
  expectSame(begun.parameters, parameters);
  // Filling in blanks goes on working beside the other heads.
  const loaded = await loadPretrained(directory);
  expectSame(loaded.parameters, parameters);
  for (const each of [begun.parameters, loaded.parameters, parameters]) disposeAll(each);
});

it('a model without codes has no visual tokenizer, and fills in no blanks', async () => {
  const { directory, parameters } = await saved('image-text-contrastive');
  expect((await directory.list()).filter((name) => name.startsWith('visual'))).toEqual([]);
  const begun = await beginPretraining(directory);
  expect(begun.visualTokenizer).toBeUndefined();
  expectSame(begun.parameters, parameters);
  await expect(loadPretrained(directory)).rejects.toMatchObject({ code: 'checkpoint/other-head' });
  for (const each of [begun.parameters, parameters]) disposeAll(each);
});

it('refuses a model without a text tokenizer', async () => {
  const { directory, parameters } = await saved('image-text-contrastive');
  await directory.remove('tokenizer.spm');
  await withoutLeaks(() =>
    expect(beginPretraining(directory)).rejects.toMatchObject({ code: 'checkpoint/no-tokenizer' }),
  );
  disposeAll(parameters);
});

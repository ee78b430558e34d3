import { type ModelJson, parseModelJson } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { parseJson } from '../commands/options.js';

/** The checked `config.json` of a model directory; tensors are not looked at. */
export async function readConfig(directory: string): Promise<ModelJson> {
  const source = await fileDirectory(directory).open('config.json');
  try {
    const text = new TextDecoder().decode(await source.read(0, source.size));
    return parseModelJson(parseJson(text, source.name));
  } finally {
    await source.close?.();
  }
}

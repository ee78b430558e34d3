import { auto, type Choice } from '@imglish/backend-auto/node';

/** The engine to compute with: the named one, or the first that works here. */
export async function openBackend(name?: string): Promise<Choice> {
  return auto(name === undefined ? {} : { backend: name });
}

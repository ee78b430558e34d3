import { auto, type Choice } from '@imglish/backend-auto/node';

/**
 * The engine to compute with: the named one, or the first that works here. `threads` are those of an
 * engine that has its own.
 */
export async function openBackend(name?: string, threads?: number): Promise<Choice> {
  return auto({
    ...(name === undefined ? {} : { backend: name }),
    ...(threads === undefined ? {} : { threads }),
  });
}

import type { Task } from '../task.js';
import { forward, headSpecs, type RetrievalInputs, type RetrievalOutputs } from './head.js';
import { loss } from './loss.js';

/** Images and texts as vectors of one space, near where they belong together (COCO, Flickr30k). */
export const imageTextRetrieval: Task<RetrievalInputs, Record<never, never>, RetrievalOutputs> = {
  name: 'image-text-retrieval',
  normalizeOutput: true,
  headSpecs,
  forward,
  loss,
};

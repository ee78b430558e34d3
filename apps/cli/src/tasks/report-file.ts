import type { Evaluation } from '@imglish/tasks';
import { writeText } from '../model/write-file.js';
import { type TaskReport, taskReport } from './report.js';

/** Writes a report; throws an `IoError` where it cannot be written. */
export async function writeReport(file: string, report: TaskReport): Promise<void> {
  await writeText(file, await taskReport(report));
}

/** Writes every prediction beside its reference, a line of JSON each; throws as `writeReport` does. */
export async function writePredictions(
  file: string,
  { predictions, references }: Evaluation,
): Promise<void> {
  const lines = predictions.map((prediction, i) =>
    JSON.stringify({ prediction, reference: references[i] }, plainNumbers),
  );
  await writeText(file, `${lines.join('\n')}\n`);
}

/** Typed arrays as JSON's arrays. */
function plainNumbers(_: string, value: unknown): unknown {
  return ArrayBuffer.isView(value) ? Array.from(value as Float32Array) : value;
}

/** What a report is about, in a sentence. */
export function subjectOf(scored: {
  model: string;
  data: string;
  split: string;
  count: number;
  blind?: boolean;
  backend: string;
}): string {
  const { model, data, split, count, blind, backend } = scored;
  const sight = blind ? ', which it was not shown: grey stood in the place of every image' : '';
  return `The model ${model} on ${count} examples of the split ${split} of ${data}${sight} (${backend}).`;
}

import { fileSink } from '@imglish/core/node';
import { type TaskReport, taskReport } from './report.js';

/** Writes a report; throws an `IoError` where it cannot be written. */
export async function writeReport(file: string, report: TaskReport): Promise<void> {
  const html = await taskReport(report);
  const sink = await fileSink(file);
  await sink.write(new TextEncoder().encode(html));
  await sink.close();
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

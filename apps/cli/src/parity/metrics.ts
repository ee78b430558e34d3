import {
  answerScore,
  normalizeAnswer,
  retrievalRecall,
  topKAccuracy,
  vqaScore,
} from '@imglish/tasks';
import type { FixtureFile, FixtureTensor } from './fixture-set.js';
import type { Report } from './report.js';
import type { Suite } from './suite.js';

const RESULTS = 'metrics/metrics.json';

interface Results {
  vqa: {
    inputs: string;
    batch_size: number;
    score_per_batch: number[];
    result: { score: number };
    predictions_without_labels: { question_id: number; answer: string }[];
  };
  nlvr2: { inputs: string; result: { acc: number } };
  imagenet: { inputs: string; result: { acc1: number; acc5: number } };
  retrieval: { inputs: string; result: Record<string, number> };
  normalize_word: { cases: [string, string][] };
  vqa_get_score: { cases: [number, number][] };
}

/** The reference's scores of logits and vectors; it counts in percent and in float32. */
export const metrics: Suite = {
  name: 'metrics',
  covers: (path) => path.startsWith('metrics/'),
  async run(set, report) {
    if (!set.has(RESULTS)) return;
    const results = await set.json<Results>(RESULTS);
    checkAnswers(await set.tensors(results.vqa.inputs), results.vqa, report);
    const { nlvr2, imagenet } = results;
    const accuracies = [
      [nlvr2.inputs, 1, 'acc', nlvr2.result.acc],
      [imagenet.inputs, 1, 'acc1', imagenet.result.acc1],
      [imagenet.inputs, 5, 'acc5', imagenet.result.acc5],
    ] as const;
    for (const [path, k, name, expected] of accuracies) {
      const { logits, label } = await set.tensors(path);
      const rankings = rows(logits!).map(ranking);
      const actual = topKAccuracy(rankings, Array.from(label!.values), k);
      percent(report, path, name, actual, expected);
    }
    checkRetrieval(await set.tensors(results.retrieval.inputs), results.retrieval, report);
    const words = results.normalize_word.cases;
    const normalized = words.map(([word]) => [word, normalizeAnswer(word)]);
    report.equal(RESULTS, 'normalize_word', normalized, words);
    const counts = results.vqa_get_score.cases;
    const scores = counts.map(([people]) => [people, answerScore(people)]);
    report.equal(RESULTS, 'vqa_get_score', scores, counts);
  },
};

function checkAnswers(file: FixtureFile, vqa: Results['vqa'], report: Report): void {
  const answers = rows(file.logits!).map((row) => ranking(row)[0]!);
  const scores = rows(file.labels!).map((row) => new Map(row.entries()));
  percent(report, vqa.inputs, 'score', vqaScore(answers, scores), vqa.result.score);
  vqa.score_per_batch.forEach((expected, batch) => {
    const of = [batch * vqa.batch_size, (batch + 1) * vqa.batch_size] as const;
    const actual = vqaScore(answers.slice(...of), scores.slice(...of));
    percent(report, vqa.inputs, `batch ${batch}`, actual, expected);
  });
  const given = vqa.predictions_without_labels;
  const predictions = answers
    .slice(0, given.length)
    .map((answer, i) => ({ question_id: 1000 + i, answer: `ans${answer}` }));
  report.equal(vqa.inputs, 'predictions', predictions, given);
}

function checkRetrieval(
  file: FixtureFile,
  { inputs, result }: Results['retrieval'],
  report: Report,
): void {
  const [images, texts] = [rows(file.vision_cls!), rows(file.language_cls!)];
  const ids = file.image_id!.values;
  const { averageScore, imageToText, textToImage } = retrievalRecall(
    images.map((image, i) => ({ imageId: ids[i]!, image, text: texts[i]! })),
  );
  const actual: Record<string, number> = {
    tr_r10: imageToText.r10,
    tr_r5: imageToText.r5,
    tr_r1: imageToText.r1,
    ir_r10: textToImage.r10,
    ir_r5: textToImage.r5,
    ir_r1: textToImage.r1,
    average_score: averageScore,
  };
  for (const [name, expected] of Object.entries(result))
    percent(report, inputs, name, actual[name] ?? Number.NaN, expected);
}

function percent(report: Report, file: string, name: string, share: number, expected: number) {
  report.loss(file, name, 100 * share, expected);
}

function rows({ values, shape }: FixtureTensor): Float32Array[] {
  const [count, width] = shape as [number, number];
  return Array.from({ length: count }, (_, i) => values.subarray(i * width, (i + 1) * width));
}

/** Indices, that of the largest value first. */
function ranking(values: Float32Array): number[] {
  return [...values.keys()].sort((a, b) => values[b]! - values[a]!);
}

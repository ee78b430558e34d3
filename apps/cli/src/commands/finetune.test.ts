import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng } from '@imglish/tokenizers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';

const folder = temporaryFolder();
const scenes = join(folder, 'scenes');
const model = join(folder, 'pretrained', 'model');

beforeAll(async () => {
  const made = await runCli(...['scenes', '--out', scenes, '--images', '40', '--size', '64']);
  expect(made.code, made.err).toBe(0);
  const pretrained = await runCli(
    ...[
      'pretrain',
      '--out',
      join(folder, 'pretrained'),
      '--steps',
      '1',
      '--batch',
      '2',
      '--codes',
      '8',
    ],
  );
  expect(pretrained.code, pretrained.err).toBe(0);
}, 120_000);

describe('tuned on scenes', () => {
  it.each([
    ['visual-question-answering', 'coco'],
    ['visual-reasoning', 'nlvr2'],
    ['image-captioning', 'coco'],
    ['image-text-retrieval', 'coco'],
    ['image-classification', 'imagenet'],
  ])('%s', async (task, layout) => {
    const out = join(folder, task);
    const data = join(scenes, layout);
    const tuned = await runCli(
      ...['finetune', task, '--model', model, '--data', data, '--out', out, '--steps', '3'],
      ...['--batch', '4', '--validation', 'val', '--validation-limit', '4', '--json'],
    );
    expect(tuned.code, tuned.err).toBe(0);
    expect(readFileSync(join(out, 'report.html'), 'utf8')).toContain('How it learnt');
    const scored = await runCli(
      ...[
        'evaluate',
        task,
        '--model',
        join(out, 'model'),
        '--data',
        data,
        '--limit',
        '4',
        '--json',
      ],
    );
    expect(scored.code, scored.err).toBe(0);
    const { metrics, count } = JSON.parse(scored.out.trim().split('\n').at(-1)!);
    expect(count).toBe(4);
    expect(Object.values(metrics).every((value) => Number.isFinite(value))).toBe(true);
  });
});

describe('a tuned model', () => {
  const tuned = (name: string) => join(folder, name, 'model');
  const pixels = { width: 9, height: 7, data: new Uint8Array(3 * 63).fill(90) };
  const picture = join(folder, 'picture.png');
  beforeAll(() => writeFileSync(picture, encodePng(pixels)));

  it.each([
    ['visual-question-answering', [picture, 'how many cats are there?']],
    ['visual-reasoning', [picture, picture, 'there is a cat']],
    ['image-captioning', [picture]],
    ['image-text-retrieval', [picture, 'a cat', 'a dog']],
    ['image-classification', [picture]],
  ])('answers: %s', async (task, inputs) => {
    const { code, out, err } = await runCli(
      ...['predict', task, ...inputs, '--model', tuned(task), '--threads', '1'],
    );
    expect(code, err).toBe(0);
    expect(Object.keys(JSON.parse(out)).length).toBeGreaterThan(0);
  });

  it('is asked for what it reads, on a number of threads', async () => {
    const model = ['--model', tuned('visual-reasoning')];
    const one = await runCli('predict', 'visual-reasoning', picture, ...model);
    expect([one.code, one.err]).toEqual([1, expect.stringContaining('config/predict-inputs')]);
    const none = await runCli('predict', 'visual-reasoning', picture, ...model, '--threads', 'x');
    expect(none.code).toBe(2);
  });

  it.each([
    ['blind', ['--blind']],
    ['low-rank', ['--lora', '2']],
    ['probe', ['--linear-probe', '--resolution', '16']],
    ['frozen', ['--freeze', 'beit3.text_embed.*', '--no-augment']],
  ])('%s', async (name, options) => {
    const out = join(folder, name);
    const task = ['finetune', 'visual-question-answering', '--model', model, '--out', out];
    const settings = ['--data', join(scenes, 'coco'), '--batch', '4', ...options];
    const { code, err } = await runCli(...task, ...settings, '--steps', '2', '--json');
    expect(code, err).toBe(0);
    const again = await runCli(...task, ...settings, '--steps', '2', '--json');
    expect(again.code, again.err).toBe(0);
    expect(JSON.parse(again.out.trim().split('\n').at(-1)!)).toMatchObject({ steps: 2 });
  });

  it('by the settings of a file, flags before them', async () => {
    const recipe = join(folder, 'recipe.json');
    const run = (settings: object) => {
      writeFileSync(recipe, JSON.stringify(settings));
      return runCli(
        ...['finetune', 'visual-question-answering', '--model', model, '--steps', '1'],
        ...['--data', join(scenes, 'coco'), '--out', join(folder, 'by-file')],
        ...['--recipe', recipe, '--batch', '3'],
      );
    };
    const { code, err } = await run({ beta2: 0.9, batch: 5 });
    expect(code, err).toBe(0);
    const card = readFileSync(join(folder, 'by-file', 'model', 'README.md'), 'utf8');
    const [, recipeOf] = /```json\n([\s\S]*?)```/.exec(card)!;
    expect(JSON.parse(recipeOf!)).toMatchObject({ batch: 3, beta2: 0.9 });
    const wrong = await run({ batches: 5 });
    expect([wrong.code, wrong.err]).toEqual([1, expect.stringContaining('config/unknown-key')]);
  });

  it('is held against a blind one', async () => {
    const { code, out, err } = await runCli(
      ...['evaluate', 'visual-question-answering', '--model', tuned('visual-question-answering')],
      ...['--data', join(scenes, 'coco'), '--limit', '4', '--blind-model', tuned('blind')],
      ...['--report', join(folder, 'report.html'), '--json'],
      ...['--predictions', join(folder, 'answers.jsonl')],
    );
    expect(code, err).toBe(0);
    expect(JSON.parse(out.trim().split('\n').at(-1)!).blindModel).toHaveProperty('accuracy');
    expect(readFileSync(join(folder, 'report.html'), 'utf8')).toContain('blind model');
    const answers = readFileSync(join(folder, 'answers.jsonl'), 'utf8').trim().split('\n');
    expect(answers).toHaveLength(4);
    expect(JSON.parse(answers[0]!)).toMatchObject({ prediction: {}, reference: {} });
  });
});

it.each([
  ['fill-mask', (i: number) => `there are ${i} cats on the mat`],
  ['text-classification', (i: number) => `${i % 2 ? 'odd' : 'even'}\tnumber ${i}`],
])('texts alone: %s', async (task, line) => {
  const data = join(folder, `${task}.txt`);
  writeFileSync(data, Array.from({ length: 8 }, (_, i) => `${line(i)}\n`).join(''));
  const out = join(folder, task);
  const { code, err } = await runCli(
    ...['finetune', task, '--model', model, '--data', data, '--out', out, '--steps', '2'],
    ...['--batch', '4', '--json'],
  );
  expect(code, err).toBe(0);
  const said = await runCli('predict', task, 'number <mask>', '--model', join(out, 'model'));
  expect(said.code, said.err).toBe(0);
  if (task !== 'text-classification') return;
  writeFileSync(data, 'neither\tnumber 3\n');
  const scored = await runCli('evaluate', task, '--model', join(out, 'model'), '--data', data);
  expect([scored.code, scored.err]).toEqual([1, expect.stringContaining('data/unknown-class')]);
});

it('goes on after a SIGTERM, to the weights of a run that nobody stopped', async () => {
  const STEPS = 12;
  const run = (name: string) =>
    runCli(
      ...['finetune', 'visual-question-answering', '--model', model, '--threads', '1', '--json'],
      ...['--data', join(scenes, 'coco'), '--out', join(folder, name)],
      ...['--steps', String(STEPS), '--batch', '2'],
    );
  const fileOf = (name: string, file: string) => join(folder, name, file);
  const last = (out: string) => JSON.parse(out.trim().split('\n').at(-1)!);
  const log = (name: string) =>
    readFileSync(fileOf(name, 'run/log.jsonl'), 'utf8')
      .trim()
      .split('\n')
      .map((line) => ({ ...JSON.parse(line), timing: undefined }));
  const whole = await run('whole');
  expect(last(whole.out), whole.err).toMatchObject({ steps: STEPS, stopped: false });

  const stopping = run('stopped');
  await vi.waitFor(() => expect(log('stopped').length).toBeGreaterThan(1), {
    interval: 5,
    timeout: 100_000,
  });
  process.emit('SIGTERM', 'SIGTERM');
  const stopped = await stopping;
  const { steps } = last(stopped.out);
  expect([stopped.code, last(stopped.out).stopped], stopped.err).toEqual([143, true]);
  expect(steps).toBeLessThan(STEPS);
  expect(existsSync(fileOf('stopped', 'model'))).toBe(false);

  const rest = await run('stopped');
  expect(last(rest.out), rest.err).toMatchObject({ steps: STEPS, stopped: false });
  expect(log('stopped')).toEqual(log('whole'));
  const weights = (name: string) => readFileSync(fileOf(name, 'model/model.safetensors'));
  expect(weights('stopped').equals(weights('whole'))).toBe(true);
});

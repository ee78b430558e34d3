// Pretrains a small model on scenes, tunes it for every task, and writes the table of the results.
//   npm run recipe -- scenes                     everything, about three hours on two cores
//   npm run recipe -- scenes visual-reasoning    one task, with what it needs
// What is done is not done again; what was interrupted goes on.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { namedThings } from './named-things.mjs';
import { tableOf } from './table.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const cli = join(here, '../../apps/cli/dist/main.js');
const out = join('runs', 'scenes-recipe');
const at = (...names) => join(out, ...names);
/** Pictures of up to four of 25 things: what a small model can learn to see in half an hour. */
const EASY = ['--size', '64', '--concepts', '30', '--things', '4'];

/** Task → its data, and the flags of `imglish finetune`. */
const tasks = {
  'image-classification': {
    data: at('scenes', 'imagenet'),
    flags: ['--steps', '800', '--batch', '64', '--validation', 'val'],
  },
  'visual-question-answering': {
    data: at('scenes', 'coco'),
    flags: ['--steps', '2500', '--batch', '48', '--no-augment', '--validation', 'val'],
    blind: ['--steps', '500'],
  },
  'visual-reasoning': {
    data: at('pairs', 'nlvr2'),
    flags: ['--steps', '2000', '--batch', '32', '--no-augment', '--validation', 'dev'],
    blind: ['--steps', '200'],
    test: 'test1',
  },
  'image-captioning': {
    data: at('scenes', 'coco'),
    flags: ['--steps', '700', '--batch', '48', '--no-augment', '--validation', 'val'],
    limits: { validation: 100, test: 1000 },
  },
  'image-text-retrieval': {
    data: at('scenes', 'coco'),
    flags: ['--steps', '800', '--batch', '64', '--no-augment', '--validation', 'val'],
    limits: { test: 1000 },
  },
};

const { values, positionals: asked } = parseArgs({
  allowPositionals: true,
  options: { threads: { type: 'string' } },
});
const threads = values.threads ? ['--threads', values.threads] : [];
for (const name of asked) {
  if (tasks[name]) continue;
  console.error(`there is no task "${name}"; there are ${Object.keys(tasks).join(', ')}`);
  process.exit(1);
}
mkdirSync(out, { recursive: true });
once(at('scenes'), [...EASY, '--images', '20000', '--layouts', 'coco,imagenet'], 'scenes');
once(at('pairs'), [...EASY, '--images', '60000', '--layouts', 'nlvr2'], 'scenes');
pretrain();
for (const [name, task] of Object.entries(tasks)) {
  if (asked.length === 0 || asked.includes(name)) tune(name, task);
}
const table = tableOf(Object.keys(tasks), (name) => readScores(at(name, 'test.json')));
writeFileSync(at('table.md'), table);
console.log(
  `\n${table}\nwrote ${at('table.md')}; a page of examples of each task is ${at('TASK', 'test.html')}`,
);

function pretrain() {
  const model = at('pretrained', 'model');
  if (existsSync(model)) return;
  writeTexts();
  imglish('pretrain', [
    ...[
      '--data',
      at('scenes', 'coco', 'train2014'),
      '--texts',
      at('texts.txt'),
      '--resolution',
      '64',
    ],
    ...['--recipe', join(here, 'pretrain.json'), '--steps', '4500', '--every', '500'],
    ...['--out', at('pretrained'), ...threads],
  ]);
}

/** Tunes a model, and a blind one where words tell something; scores both on unseen combinations. */
function tune(name, { data, flags, blind, limits = {}, test = 'test' }) {
  const begin = ['--model', at('pretrained', 'model'), '--data', data];
  const limit = ['--validation-limit', String(limits.validation ?? 500)];
  const settings = [...flags, ...limit, '--every', '500', ...threads];
  const model = (folder) => ['--model', join(folder, 'model')];
  const scored = ['--data', data, '--split', test, ...threads];
  if (limits.test) scored.push('--limit', String(limits.test));
  if (blind) {
    const out = at(name, 'blind');
    if (!existsSync(join(out, 'test.json'))) {
      imglish('finetune', [name, ...begin, ...settings, '--blind', ...blind, '--out', out]);
      evaluate(join(out, 'test.json'), [name, ...model(out), ...scored, '--blind']);
    }
  }
  const out = at(name);
  if (existsSync(join(out, 'test.json'))) return;
  const began = Date.now();
  imglish('finetune', [name, ...begin, ...settings, '--out', out]);
  console.log(`${name}: ${Math.round((Date.now() - began) / 60_000)} minutes`);
  evaluate(join(out, 'test.json'), [
    ...[name, ...model(out), ...scored, '--report', join(out, 'test.html')],
    ...['--predictions', join(out, 'test.jsonl')],
    ...(blind ? ['--blind-model', join(out, 'blind', 'test.json')] : []),
  ]);
}

/** Scores, with what the captions name of a picture; written when they are complete. */
function evaluate(file, args) {
  const { status, stdout } = spawnSync(process.execPath, [cli, 'evaluate', ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
    encoding: 'utf8',
  });
  if (status !== 0) process.exit(status ?? 1);
  const result = JSON.parse(stdout.trim().split('\n').at(-1));
  if (args[0] === 'image-captioning') {
    const answers = readFileSync(join(dirname(file), 'test.jsonl'), 'utf8')
      .trim()
      .split('\n');
    const parsed = answers.map((line) => JSON.parse(line));
    Object.assign(result.metrics, namedThings(at('scenes', 'scenes.jsonl'), parsed));
  }
  writeFileSync(`${file}.part`, `${JSON.stringify(result)}\n`);
  renameSync(`${file}.part`, file);
}

function readScores(file) {
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined;
}

/**
 * Beside the pictures to learn from, the caption of each that names everything and nothing else: of five
 * ways to say it, the picture could not tell which one is masked. And all that is said, asked and stated,
 * for the tokenizer: the words that the tasks will read.
 */
function writeTexts() {
  const coco = at('scenes', 'coco');
  const read = (name) => JSON.parse(readFileSync(join(coco, name), 'utf8'));
  const { images, annotations } = read('annotations/captions_train2014.json');
  const { questions } = read('vqa/v2_OpenEnded_mscoco_train2014_questions.json');
  const statements = readFileSync(at('pairs', 'nlvr2', 'data', 'train.json'), 'utf8')
    .trim()
    .split('\n');
  const plain = new Map();
  for (const { image_id: id, caption } of annotations) if (!plain.has(id)) plain.set(id, caption);
  const lines = images.map(({ id, file_name: image }) =>
    JSON.stringify({ image, caption: plain.get(id) }),
  );
  writeFileSync(join(coco, 'train2014', 'captions.jsonl'), `${lines.join('\n')}\n`);
  const texts = new Set([
    ...annotations.map(({ caption }) => caption),
    ...questions.map(({ question }) => question),
    ...statements.map((line) => JSON.parse(line).sentence),
  ]);
  writeFileSync(at('texts.txt'), `${[...texts].join('\n')}\n`);
}

function once(folder, args, command) {
  if (!existsSync(folder)) imglish(command, [...args, '--out', folder]);
}

/** Runs the command line; ends with its status where it fails or is stopped. */
function imglish(command, args) {
  console.log(`\nimglish ${[command, ...args].join(' ')}`);
  const { status } = spawnSync(process.execPath, [cli, command, ...args], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

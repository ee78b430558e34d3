import { ConfigError } from '@imglish/core';
import { type EmojiLanguage, type EmojiStyle, emojiLanguages, emojiStyles } from '@imglish/emoji';
import {
  type QuestionPrior,
  type SceneLayout,
  type ScenesSummary,
  sceneLayouts,
  sceneSplits,
  writeSceneSheet,
  writeScenes,
} from '@imglish/emoji/node';
import type { Progress } from '@imglish/train';
import { progress } from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { allOrNothing } from './all-or-nothing.js';
import { integer } from './options.js';

interface ScenesCommandOptions {
  out?: string;
  sheet?: string;
  images: number;
  size: number;
  things: number;
  seed: number;
  concepts?: number | string[];
  styles?: EmojiStyle[];
  shareAlike: boolean;
  languages: EmojiLanguage[];
  questions: number;
  layouts?: SceneLayout[];
  json?: boolean;
}

/** `imglish scenes`: pictures composed of emoji, as COCO, VQAv2, NLVR2, ImageNet and ADE20K. */
export function registerScenes(program: Command): void {
  program
    .command('scenes')
    .description('compose pictures of emoji, with captions, questions, statements, boxes and masks')
    .option('--out <directory>', 'a new folder')
    .option(
      '--sheet <file>',
      'the first pictures with all that is said of them: .html, .svg or .png',
    )
    .option('--images <count>', 'pictures with captions and questions', integer(1), 5000)
    .option('--size <pixels>', 'side of the pictures', integer(1), 128)
    .option('--things <count>', 'things in a picture, at most', integer(1), 8)
    .option('--seed <number>', 'another one gives other pictures', integer(0), 0)
    .option('--concepts <choice>', 'how many, or which: cat,dog,…; by default all', concepts)
    .addOption(listOption('--styles <names>', 'drawing styles', emojiStyles))
    .option('--no-share-alike', 'leave out styles whose licence asks to share alike (openmoji)')
    .addOption(
      listOption('--languages <names>', 'languages of the captions', emojiLanguages).default(
        ['en'],
        'en',
      ),
    )
    .option('--questions <count>', 'questions of a picture, at most', integer(1), 6)
    .addOption(listOption('--layouts <names>', 'data sets to write', sceneLayouts))
    .option('--json', 'for programs: progress as JSON lines')
    .action(run);
}

async function run({ out, sheet, json = false, ...options }: ScenesCommandOptions): Promise<void> {
  if (out === undefined && sheet === undefined) {
    throw new ConfigError({
      code: 'config/missing-option',
      where: 'imglish scenes',
      expected: '--out, --sheet, or both',
      got: 'neither',
    });
  }
  const onRender = (style: string, size: number): void => {
    if (!json) console.error(`drawing ${style} at ${size} pixels`);
  };
  let shown: Progress | undefined;
  await allOrNothing(async (signal) => {
    const summary =
      out === undefined
        ? undefined
        : await writeScenes(out, {
            ...options,
            signal,
            onRender,
            onProgress: (done, total) => {
              shown ??= progress('composing pictures', total, { json });
              shown.set(done);
            },
          });
    shown?.finish();
    if (sheet !== undefined) await writeSceneSheet(sheet, { ...options, onRender });
    if (json) {
      console.log(JSON.stringify({ ...(out && { out }), ...(sheet && { sheet }), ...summary }));
      return;
    }
    if (summary) console.log(report(out!, summary));
    if (sheet !== undefined) console.log(`wrote ${sheet}`);
  });
}

function report(out: string, summary: ScenesSummary): string {
  const { images, questions, statements, classPictures, questionPrior, concepts } = summary;
  const row = (title: string, counts: Readonly<Record<string, number>> | undefined): string[] => {
    if (!counts) return [];
    const shown = sceneSplits.flatMap((split) =>
      counts[split] === undefined ? [] : [`${split} ${counts[split]}`],
    );
    return [`  ${title.padEnd(18)}${shown.join('  ')}`];
  };
  return [
    `wrote ${out}: ${concepts.seen} concepts to learn, ${concepts.unseen} unseen, styles ${summary.styles.join(', ')}`,
    ...(questions ? row('pictures', images) : []),
    ...row('questions', questions),
    ...row('statements', statements),
    ...row('pictures by class', classPictures),
    ...(questionPrior ? priorRows(questionPrior.val) : []),
  ].join('\n');
}

/** What the words of the questions give away. */
function priorRows({ all, byKind }: QuestionPrior): string[] {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return [
    `answered rightly without a look at the picture (val): ${percent(all)}`,
    ...Object.entries(byKind).map(
      ([kind, { questions, prior }]) =>
        `  ${kind.padEnd(30)}${percent(prior).padStart(7)}  of ${questions}`,
    ),
  ];
}

function concepts(text: string): number | string[] {
  return /^\d+$/.test(text) ? Number(text) : text.split(',').map((name) => name.trim());
}

function listOption(flags: string, description: string, known: readonly string[]): Option {
  return new Option(flags, `${description}: ${known.join(',')}`).argParser((text) =>
    text.split(',').map((name) => name.trim()),
  );
}

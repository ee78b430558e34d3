import path from 'node:path';
import { DataError } from '@imglish/core';
import { newFolder, requireNewFolder } from '@imglish/core/node';
import { describeLicences, licenceOf } from '../../licences/licences.js';
import type { RendersOptions } from '../../render/renders.js';
import { loadSceneLibrary } from '../load-library.js';
import { type QuestionPrior, questionPrior } from '../question-prior.js';
import {
  planScenes,
  type ScenePlan,
  type SceneSplit,
  type ScenesOptions,
} from '../scenes-options.js';
import type { CocoImage } from './coco-files.js';
import { FileWriter } from './picture-files.js';
import { writeCoco } from './write-coco.js';
import { writeImagenet } from './write-imagenet.js';
import { writeNlvr2 } from './write-nlvr2.js';

export interface WriteScenesOptions extends ScenesOptions, Omit<RendersOptions, 'size'> {
  /** Told after each picture how many of how many are done. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Stops the writing, which then leaves nothing. */
  readonly signal?: AbortSignal;
}

/** What was written; also in `summary.json`. */
export interface ScenesSummary {
  readonly seed: number;
  readonly size: number;
  readonly concepts: { readonly seen: number; readonly unseen: number };
  readonly styles: readonly string[];
  readonly images: Readonly<Record<SceneSplit, number>>;
  readonly questions?: Readonly<Record<SceneSplit, number>>;
  readonly statements?: Readonly<Record<SceneSplit, number>>;
  readonly classPictures?: Readonly<Record<string, number>>;
  /** What a guess from the question's words alone gets right, learnt on `train`. */
  readonly questionPrior?: { readonly val: QuestionPrior; readonly test: QuestionPrior };
}

/**
 * Composes scenes of emoji and writes them into a new folder, each data set in its official layout:
 * `coco/` (captions, instances, Karpathy's splits, and VQAv2 in `coco/vqa`), `nlvr2/`, `imagenet/`
 * and `ade20k/`; `scenes.jsonl` holds what is true of every picture of `coco/`.
 *
 * The same options give the same bytes. The folder appears when it is complete.
 *
 * @throws ConfigError `config/option`; DataError `data/scene` where concepts are too few for the
 * splits; IoError `io/exists`, `io/write`, `io/cache`; the signal's reason.
 */
export async function writeScenes(
  directory: string,
  options: WriteScenesOptions = {},
): Promise<ScenesSummary> {
  const { cacheDir, onRender, onProgress, signal, ...choices } = options;
  const plan = planScenes(choices);
  const target = path.resolve(directory);
  await requireNewFolder('writeScenes', target);
  const library = await loadSceneLibrary(plan, {
    ...(cacheDir !== undefined && { cacheDir }),
    ...(onRender && { onRender }),
  });
  const seen = library.concepts.filter(({ unseen }) => !unseen).length;
  const unseen = library.concepts.length - seen;
  if (Math.min(seen, unseen) < FEWEST_CONCEPTS) {
    throw new DataError({
      code: 'data/scene',
      where: 'writeScenes',
      expected: `${FEWEST_CONCEPTS} concepts to train on and as many others to test on`,
      got: `${seen} and ${unseen}`,
      fix: 'Choose more concepts.',
    });
  }
  const total = countPictures(plan, seen, library.styles.length);
  let done = 0;
  const step = (): void => {
    signal?.throwIfAborted();
    onProgress?.(++done, total);
  };
  const folder = await newFolder('writeScenes', target);
  try {
    const files = new FileWriter(folder.path);
    const { layouts } = plan;
    const described =
      layouts.includes('coco') || layouts.includes('ade20k')
        ? await writeCoco(files, library, plan, step)
        : undefined;
    const statements = layouts.includes('nlvr2')
      ? await writeNlvr2(files, library, plan, step)
      : undefined;
    const classPictures = layouts.includes('imagenet')
      ? await writeImagenet(files, library, plan, step)
      : undefined;
    const summary: ScenesSummary = {
      seed: plan.seed,
      size: plan.size,
      concepts: { seen, unseen },
      styles: library.styles,
      images: plan.images,
      ...(described && asked(described)),
      ...(statements && { statements }),
      ...(classPictures && { classPictures }),
    };
    await files.text('summary.json', `${JSON.stringify(summary, undefined, 2)}\n`);
    await files.text('LICENCES.txt', `${describeLicences(library.styles.map(licenceOf))}\n`);
    await files.finish();
    await folder.finish();
    return summary;
  } catch (error) {
    await folder.abort();
    throw error;
  }
}

/** A set of statements is about three concepts. */
const FEWEST_CONCEPTS = 4;

function countPictures(plan: ScenePlan, classes: number, styles: number): number {
  const sum = (counts: Readonly<Record<string, number>>): number =>
    Object.values(counts).reduce((a, b) => a + b, 0);
  const { layouts } = plan;
  const coco = layouts.includes('coco') || layouts.includes('ade20k');
  const { test, ...others } = plan.perClass;
  const perClass = sum(others) + (styles > 1 ? test : 0);
  return (
    (coco ? sum(plan.images) : 0) +
    (layouts.includes('nlvr2') ? 8 * sum(plan.statementSets) : 0) +
    (layouts.includes('imagenet') ? classes * perClass : 0)
  );
}

function asked(
  described: ReadonlyMap<SceneSplit, readonly CocoImage[]>,
): Required<Pick<ScenesSummary, 'questions' | 'questionPrior'>> {
  const of = (split: SceneSplit) => described.get(split)!.flatMap(({ questions }) => questions);
  const train = of('train');
  return {
    questions: {
      train: train.length,
      val: of('val').length,
      test: of('test').length,
      'test-concepts': of('test-concepts').length,
    },
    questionPrior: { val: questionPrior(train, of('val')), test: questionPrior(train, of('test')) },
  };
}

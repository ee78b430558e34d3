import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import path from 'node:path';
import { openTaskData } from '@imglish/data/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../../test/cache-dir.js';
import { loadSceneLibrary } from '../load-library.js';
import { paintScene } from '../paint.js';
import { type DescribedScene, describedScenes } from '../scene-source.js';
import { planScenes } from '../scenes-options.js';
import { writeSceneSheet } from '../sheet/write-scene-sheet.js';
import { FileWriter } from './picture-files.js';
import { type ScenesSummary, writeScenes } from './write-scenes.js';

const options = { images: 40, cacheDir: testCacheDir };
let folder: string;
let summary: ScenesSummary;
const at = (...parts: string[]): string => path.join(folder, ...parts);
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'scenes-'));
  summary = await writeScenes(at('a'), options);
}, RENDER_TIMEOUT);
afterAll(() => rm(folder, { recursive: true }));

async function filesBelow(root: string): Promise<Map<string, Buffer>> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  return new Map(
    await Promise.all(
      files.map(async (entry): Promise<[string, Buffer]> => {
        const file = path.join(entry.parentPath, entry.name);
        return [path.relative(root, file), await readFile(file)];
      }),
    ),
  );
}

describe('writeScenes', () => {
  it('gives the same bytes again, and others for another seed', async () => {
    await writeScenes(at('b'), options);
    const [first, second] = [await filesBelow(at('a')), await filesBelow(at('b'))];
    expect([...second.keys()].sort()).toEqual([...first.keys()].sort());
    for (const [file, bytes] of first) expect(bytes.equals(second.get(file)!), file).toBe(true);
    await writeScenes(at('c'), { ...options, seed: 1, layouts: ['coco'] });
    const other = await filesBelow(at('c'));
    const picture = 'coco/train2014/COCO_train2014_000000000001.jpg';
    expect(other.get(picture)!.equals(first.get(picture)!)).toBe(false);
    expect([...new Set([...other.keys()].map((file) => file.split('/')[0]))].sort()).toEqual([
      'LICENCES.txt',
      'coco',
      'scenes.jsonl',
      'summary.json',
    ]);
  });

  it('leaves nothing where it is stopped, and removes what a killed attempt left', async () => {
    const controller = new AbortController();
    const stopped = writeScenes(at('d'), {
      ...options,
      signal: controller.signal,
      onProgress: (done) => done === 5 && controller.abort(new Error('enough')),
    });
    await expect(stopped).rejects.toThrow('enough');
    const dead = spawn('true');
    await new Promise((resolve) => dead.once('exit', resolve));
    const left = at(`.e.${hostname()}-${dead.pid}.partial`);
    const running = at(`.e.${hostname()}-${process.ppid}.partial`);
    await Promise.all([mkdir(left), mkdir(running)]);
    await writeScenes(at('e'), { ...options, layouts: ['nlvr2'] });
    const names = await readdir(folder);
    expect(names).not.toContain('d');
    expect(names.filter((name) => name.includes('partial'))).toEqual([path.basename(running)]);
  });

  it('refuses a folder that holds something, and options that cannot be', async () => {
    await mkdir(at('full'));
    await writeFile(at('full/file'), '');
    await expect(writeScenes(at('full'), options)).rejects.toMatchObject({ code: 'io/exists' });
    const refused = [
      { images: 3 },
      { size: 32 },
      { seed: 0.5 },
      { questions: 0 },
      { concepts: 3 },
      { concepts: ['cat', 'gryphon'] },
      { styles: ['openmoji'], shareAlike: false },
      { layouts: [] },
      { languages: ['fr'] },
    ] as const;
    for (const each of refused) {
      const writing = writeScenes(at('no'), { ...options, ...(each as object) });
      await expect(writing).rejects.toMatchObject({ code: 'config/option' });
    }
    expect(await readdir(folder)).not.toContain('no');
  });

  it('leaves out styles that ask to share alike', async () => {
    const made = await writeScenes(at('free'), {
      ...options,
      shareAlike: false,
      layouts: ['coco'],
    });
    expect(made.styles).toEqual(['noto', 'twemoji', 'fluent-emoji-flat']);
    const files = await filesBelow(at('free'));
    expect(files.get('scenes.jsonl')!.toString()).not.toContain('openmoji');
    expect(files.get('LICENCES.txt')!.toString()).not.toContain('share alike');
    expect((await readFile(at('a/LICENCES.txt'))).toString()).toContain('share alike');
  });
});

describe('what was written', () => {
  it('is read back, whatever the layout', async () => {
    const plan = planScenes({ images: 40 });
    const library = await loadSceneLibrary(plan, { cacheDir: testCacheDir });
    const scenes = new Map<string, DescribedScene[]>();
    const normalizeAnswer = (answer: string): string => answer;
    for (const split of ['train', 'val', 'test', 'test-concepts'] as const) {
      const described = [...describedScenes(library, plan, split)];
      scenes.set(split, described);

      const captions = await openTaskData('image-captioning', at('a/coco'), split);
      expect(captions.size).toBe(described.length);
      const objects = await openTaskData('object-detection', at('a/coco'), split);
      expect(objects.size).toBe(described.length);
      for (const [index, { scene, captions: said }] of described.entries()) {
        expect((await captions.get(index)).captions).toEqual(said);
        const { image, objects: found } = await objects.get(index);
        const { image: painted, seen } = paintScene(library, scene);
        expect(meanDifference(image.data, painted.data)).toBeLessThan(4);
        expect(found.map(({ label }) => objects.labels[label])).toEqual(
          scene.objects.map(({ concept }) => concept.noun),
        );
        expect(found.map(({ box }) => box)).toEqual(scene.objects.map(({ box }) => box));
        found.forEach(({ mask }, object) => {
          const own = seen.map((value) => Number(value === object));
          expect(Buffer.compare(mask.data, own)).toBe(0);
        });
      }

      const questions = await openTaskData('visual-question-answering', at('a/coco'), split, {
        normalizeAnswer,
      });
      const asked = described.flatMap((each) => each.questions);
      expect(questions.size).toBe(asked.length);
      const { question, answers } = await questions.get(asked.length - 1);
      expect(question).toBe(asked.at(-1)!.question);
      expect(answers).toEqual(new Array(10).fill(asked.at(-1)!.answer));

      const statements = await openTaskData('visual-reasoning', at('a/nlvr2'), split);
      expect(statements.size).toBe(summary.statements![split]);
      let yes = 0;
      for (let i = 0; i < statements.size; i++) yes += Number((await statements.get(i)).label);
      expect(yes).toBe(statements.size / 2);
    }
    for (const split of ['train', 'val', 'test'] as const) {
      const classes = await openTaskData('image-classification', at('a/imagenet'), split);
      expect(classes.size).toBe(summary.classPictures![split]);
      expect(classes.labels.length).toBe(summary.concepts.seen);
      const maps = await openTaskData('semantic-segmentation', at('a/ade20k'), split);
      const described = scenes.get(split)!;
      expect(maps.size).toBe(described.length);
      for (const [index, { scene }] of described.entries()) {
        const { segmentation } = await maps.get(index);
        const { seen } = paintScene(library, scene);
        segmentation.data.forEach((value, pixel) => {
          const noun = scene.objects[seen[pixel]!]?.concept.noun ?? 'none';
          if (maps.labels[value] !== noun) expect(maps.labels[value]).toBe(noun);
        });
      }
    }
  });
});

function meanDifference(a: Uint8Array, b: Uint8Array): number {
  return a.reduce((sum, value, index) => sum + Math.abs(value - b[index]!), 0) / a.length;
}

describe('FileWriter', () => {
  it('tells of a file that could not be written, at the latest in the end', async () => {
    await writeFile(at('plain'), '');
    const files = new FileWriter(at('plain'));
    const writing = async (): Promise<void> => {
      await files.text('within/a/file', 'text');
      await files.finish();
    };
    await expect(writing()).rejects.toMatchObject({ code: 'io/write' });
  });
});

describe('writeSceneSheet', () => {
  it('shows pictures, captions, questions and answers in HTML, SVG and PNG', async () => {
    const few = { ...options, scenes: 1, statementSets: 1 };
    for (const name of ['sheet.html', 'sheet.svg', 'sheet.png']) {
      await writeSceneSheet(at(name), few);
    }
    const html = (await readFile(at('sheet.html'))).toString();
    const svg = (await readFile(at('sheet.svg'))).toString();
    expect(html).toContain(svg);
    // Two pictures for a scene and for each of four pairs, in four splits.
    expect(svg.match(/<image /g)).toHaveLength(4 * (2 + 8));
    const library = await loadSceneLibrary(planScenes({ images: 40 }), { cacheDir: testCacheDir });
    const [first] = describedScenes(library, planScenes({ images: 40 }), 'train');
    const lengths = first!.questions.map(({ question }) => question.length);
    const shortest = first!.questions[lengths.indexOf(Math.min(...lengths))]!;
    expect(svg).toContain(shortest.question);
    expect([...(await readFile(at('sheet.png'))).subarray(1, 4)]).toEqual([0x50, 0x4e, 0x47]);
    await expect(writeSceneSheet(at('sheet.gif'), few)).rejects.toMatchObject({
      code: 'config/option',
    });
  });
});

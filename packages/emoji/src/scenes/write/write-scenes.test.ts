import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../../test/cache-dir.js';
import { type ScenesSummary, writeScenes } from './write-scenes.js';

let folder: string;
let summary: ScenesSummary;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'scenes-'));
  summary = await writeScenes(path.join(folder, 'a'), { images: 40, cacheDir: testCacheDir });
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
  it('writes as many pictures, questions and statements as the summary says', async () => {
    const files = await filesBelow(path.join(folder, 'a'));
    const below = (start: string) => [...files.keys()].filter((file) => file.startsWith(start));
    expect(below('coco/train2014/').length).toBe(summary.images.train);
    expect(below('coco/test-concepts/').length).toBe(summary.images['test-concepts']);
    expect(below('imagenet/train/').length).toBe(summary.classPictures!.train);
    const questions = JSON.parse(
      files.get('coco/vqa/v2_OpenEnded_mscoco_train2014_questions.json')!.toString(),
    );
    expect(questions.questions.length).toBe(summary.questions!.train);
    const lines = files.get('nlvr2/data/train.json')!.toString().trimEnd().split('\n');
    expect(lines.length).toBe(summary.statements!.train);
  });
});

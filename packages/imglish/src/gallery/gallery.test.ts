import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { draw } from '@imglish/core';
import { afterAll, describe, expect, it } from 'vitest';
import { openGallery } from './gallery.js';

const root = mkdtempSync(join(tmpdir(), 'imglish-gallery-'));
afterAll(() => rmSync(root, { recursive: true }));
let folders = 0;
const newFolder = () => join(root, `${folders++}`, 'gallery');
const refused = (code: string) => expect.objectContaining({ code });

const WIDTH = 16;
const matrix = (rows: readonly (readonly number[])[]) => ({
  type: 'float32' as const,
  dims: [rows.length, rows[0]?.length ?? 0] as [number, number],
  data: Float32Array.from(rows.flat()),
});
const row = (i: number) => {
  const numbers = draw(1, 'gallery', 0, i);
  return Array.from({ length: WIDTH }, () => numbers.uint32() / 2 ** 31 - 1);
};
const rows = Array.from({ length: 500 }, (_, i) => row(i));
const ids = rows.map((_, i) => `images/${i}.jpg`);
const cosine = (a: readonly number[], b: readonly number[]) => {
  const dot = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i]!, 0);
  return dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
};

async function filled(folder: string) {
  const gallery = await openGallery(folder);
  gallery.add(ids.slice(0, 200), matrix(rows.slice(0, 200)));
  gallery.add(ids.slice(200), matrix(rows.slice(200)));
  return gallery;
}

describe('a gallery', () => {
  it('finds what is nearest, as a scan of all does', async () => {
    const gallery = await filled(newFolder());
    expect([gallery.size, gallery.width, gallery.has(ids[3]!)]).toEqual([500, WIDTH, true]);
    let found = 0;
    for (let i = 0; i < 50; i++) {
      const query = row(1000 + i);
      const truth = ids
        .map((id, j) => ({ id, score: cosine(query, rows[j]!) }))
        .sort((a, b) => b.score - a.score)
        .slice(0, 10);
      const matches = gallery.search(Float32Array.from(query), 10);
      expect(matches).toHaveLength(10);
      expect(matches[0]!.score).toBeCloseTo(cosine(query, rows[ids.indexOf(matches[0]!.id)]!), 5);
      const scores = matches.map(({ score }) => score);
      expect(scores).toEqual(scores.toSorted((a, b) => b - a));
      found += matches.filter(({ id }) => truth.some((one) => one.id === id)).length;
    }
    expect(found).toBeGreaterThanOrEqual(495);
    expect(gallery.search(Float32Array.from(rows[7]!), 1000)).toHaveLength(500);
  });

  it('is the same when it is opened again, and grows', async () => {
    const folder = newFolder();
    const gallery = await filled(folder);
    await gallery.save();
    const again = await openGallery(folder);
    const query = Float32Array.from(row(2000));
    expect(again.search(query, 5)).toEqual(gallery.search(query, 5));
    again.add(['new'], matrix([row(2000)]));
    expect(again.search(query, 1)).toEqual([{ id: 'new', score: expect.closeTo(1, 5) }]);
    await again.save();
    expect(readdirSync(folder).sort()).toEqual(['gallery.json', 'index-2.usearch']);
    expect((await openGallery(folder)).size).toBe(501);
  });

  it('adds all or nothing', async () => {
    const gallery = await openGallery(newFolder());
    expect(gallery.search(new Float32Array(3), 1)).toEqual([]);
    expect(gallery.width).toBeUndefined();
    await expect(gallery.save()).rejects.toEqual(refused('config/invalid-value'));
    gallery.add([], matrix([]));
    gallery.add(['a', 'b'], matrix([row(0), row(1)]));
    const add = (names: string[], given: number[][], code: string) =>
      expect(() => gallery.add(names, matrix(given))).toThrow(refused(code));
    add(['c', 'a'], [row(2), row(3)], 'data/duplicate-id');
    add(['c', 'c'], [row(2), row(3)], 'data/duplicate-id');
    add(['c'], [row(2), row(3)], 'shape/embedding-count');
    add(['c'], [[1, 2, 3]], 'shape/embedding-width');
    add(['c', 'd'], [row(2), row(3).fill(0)], 'data/embedding');
    add(['c', 'd'], [row(2), row(3).fill(Number.NaN)], 'data/embedding');
    expect(gallery.size).toBe(2);
    const query = Float32Array.from(row(0));
    expect(() => gallery.search(query.subarray(1), 1)).toThrow(refused('shape/embedding-width'));
    expect(() => gallery.search(new Float32Array(WIDTH), 1)).toThrow(refused('data/embedding'));
    for (const k of [0, 1.5, Number.NaN])
      expect(() => gallery.search(query, k)).toThrow(refused('config/invalid-value'));
  });

  it('notices damaged files, and keeps the old gallery where a new one is not finished', async () => {
    const folder = newFolder();
    await (await filled(folder)).save();
    const [manifest, index] = [join(folder, 'gallery.json'), join(folder, 'index-1.usearch')];
    writeFileSync(join(folder, 'index-2.usearch'), 'half of');
    expect((await openGallery(folder)).size).toBe(500);
    const bytes = readFileSync(index);
    const text = readFileSync(manifest, 'utf8');
    for (const damaged of [bytes.subarray(0, 1000), bytes.map((byte, i) => byte ^ +(i === 5000))]) {
      writeFileSync(index, damaged);
      await expect(openGallery(folder)).rejects.toEqual(refused('data/gallery'));
    }
    writeFileSync(index, bytes);
    for (const damaged of [
      text.slice(0, 50),
      'null',
      text.replace('"version":1', '"version":9'),
      text.replace('"images/0.jpg",', ''),
      text.replace('images/0.jpg', 'images/1.jpg'),
      text.replace('index-1.usearch', '../index-1.usearch'),
    ]) {
      writeFileSync(manifest, damaged);
      await expect(openGallery(folder)).rejects.toEqual(refused('data/gallery'));
    }
    writeFileSync(manifest, text);
    rmSync(index);
    await expect(openGallery(folder)).rejects.toEqual(refused('io/not-found'));
    writeFileSync(join(root, 'file'), '');
    const inFile = await filled(join(root, 'file')).catch((error: unknown) => error);
    expect(inFile).toEqual(expect.objectContaining({ name: 'IoError' }));
  });
});

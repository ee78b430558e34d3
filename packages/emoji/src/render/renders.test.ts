import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RENDER_TIMEOUT, testCacheDir } from '../../test/cache-dir.js';
import type { EmojiConcept } from '../catalogue/catalogue.js';
import { loadCatalogue } from '../packages.js';
import { emojiStyles } from '../styles.js';
import { renderStyle } from './render.js';
import { loadRenders, selectRenders } from './renders.js';

let catalogue: EmojiConcept[];
let few: EmojiConcept[];
let dir: string;

beforeAll(async () => {
  catalogue = await loadCatalogue();
  few = catalogue.filter((_, index) => index % 200 === 7);
  dir = await mkdtemp(path.join(tmpdir(), 'emoji-cache-'));
});
afterAll(() => rm(dir, { recursive: true }));

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

describe('renderStyle', () => {
  it('gives the same bytes each time', async () => {
    for (const style of emojiStyles) {
      const [first, second] = [
        await renderStyle(style, 32, few),
        await renderStyle(style, 32, few),
      ];
      expect(first.ids.length).toBeGreaterThan(5);
      expect(sha256(second.pixels)).toBe(sha256(first.pixels));
    }
  });
});

describe('loadRenders', () => {
  it('draws once, then reads the same from the cache', async () => {
    const drawn: string[] = [];
    const options = { size: 16, cacheDir: dir, onRender: (style: string) => drawn.push(style) };
    const first = await loadRenders('noto', few, options);
    const second = await loadRenders('noto', few, options);
    expect(drawn).toEqual(['noto']);
    expect(second.ids).toEqual(first.ids);
    expect(sha256(second.pixels)).toBe(sha256(first.pixels));
    expect((await readdir(path.join(dir, 'emoji'))).length).toBe(1);
  });

  it('draws again what is damaged, cut short, or of other versions', async () => {
    const file = path.join(dir, 'emoji', (await readdir(path.join(dir, 'emoji')))[0]!);
    const good = await readFile(file);
    const expected = await loadRenders('noto', few, { size: 16, cacheDir: dir });
    const flipped = Uint8Array.from(good);
    flipped[flipped.length - 20]! ^= 1;
    for (const bad of [flipped, good.subarray(0, good.length / 2), new Uint8Array(0)]) {
      await writeFile(file, bad);
      let drawn = 0;
      const options = { size: 16, cacheDir: dir, onRender: () => drawn++ };
      const again = await loadRenders('noto', few, options);
      expect(drawn).toBe(1);
      expect(sha256(again.pixels)).toBe(sha256(expected.pixels));
      expect(sha256(await readFile(file))).toBe(sha256(good));
    }
    await loadRenders('noto', few, { size: 24, cacheDir: dir });
    const other = (await readdir(path.join(dir, 'emoji'))).find((name) => name.includes('-24'))!;
    await writeFile(file, await readFile(path.join(dir, 'emoji', other)));
    expect((await loadRenders('noto', few, { size: 16, cacheDir: dir })).pixels.length).toBe(
      expected.pixels.length,
    );
  });

  it('draws again for other concepts', async () => {
    const fewer = few.slice(1, 3);
    const { ids } = await loadRenders('noto', fewer, { size: 16, cacheDir: dir });
    expect(ids).toEqual(fewer.map(({ id }) => id));
  });

  it('refuses sizes and folders that cannot be', async () => {
    for (const size of [0, 7, 32.5, 1000]) {
      await expect(loadRenders('noto', few, { size })).rejects.toMatchObject({
        code: 'config/option',
      });
    }
    const file = path.join(dir, 'file');
    await writeFile(file, '');
    await expect(loadRenders('noto', few.slice(0, 1), { cacheDir: file })).rejects.toMatchObject({
      code: 'io/cache',
    });
  });
});

describe('drawings', () => {
  it(
    'are neither blank nor clipped: each shows something, within its margin',
    async () => {
      const size = 32;
      for (const style of emojiStyles) {
        const { ids, pixels } = await loadRenders(style, catalogue, {
          size,
          cacheDir: testCacheDir,
        });
        ids.forEach((id, index) => {
          const opaque = (x: number, y: number): boolean =>
            pixels[((index * size + y) * size + x) * 4 + 3]! > 0;
          const all = [...Array(size).keys()];
          const shown = all.flatMap((y) => all.filter((x) => opaque(x, y))).length;
          expect(shown, `${style} ${id}`).toBeGreaterThan(20);
          const edge = all.filter(
            (i) => opaque(i, 0) || opaque(i, size - 1) || opaque(0, i) || opaque(size - 1, i),
          );
          expect(edge.length, `${style} ${id}`).toBe(0);
        });
      }
    },
    RENDER_TIMEOUT,
  );

  it('can be selected', () => {
    const renders = {
      size: 1,
      ids: ['a', 'b', 'c'],
      pixels: Uint8Array.from({ length: 12 }, (_, i) => i),
    };
    expect(selectRenders(renders, ['c', 'x', 'a'])).toEqual({
      size: 1,
      ids: ['c', 'a'],
      pixels: Uint8Array.of(8, 9, 10, 11, 0, 1, 2, 3),
    });
  });
});

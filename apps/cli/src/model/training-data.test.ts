import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePng } from '@imglish/tokenizers';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { openTrainingData } from './training-data.js';

const folder = temporaryFolder();

it('opens tar shards by a pattern, pictures resized, as pairs, images and texts', async () => {
  for (const shard of [0, 1]) {
    const content = join(folder, `${shard}`);
    mkdirSync(content);
    for (const record of [0, 1]) {
      const data = new Uint8Array(3 * 8 * 8).fill(10 * shard + record);
      const picture = encodePng({ width: 8, height: 8, data });
      writeFileSync(join(content, `${record}.png`), picture);
      writeFileSync(join(content, `${record}.txt`), `${record} of ${shard}`);
    }
    const files = ['0.png', '0.txt', '1.png', '1.txt'];
    execFileSync('tar', ['-cf', join(folder, `0${shard}.tar`), '-C', content, ...files]);
  }
  const names = join(folder, '{00..01}.tar');
  const { pairs, images, texts, close } = await openTrainingData({
    kind: 'shards',
    names,
    size: [4, 4],
  });
  expect([pairs.size, images.size, texts.size]).toEqual([4, 4, 4]);
  const { id, captions, image } = await pairs.get(3);
  expect({ id, captions, image }).toEqual({
    ...{ id: '1', captions: ['1 of 1'] },
    image: { width: 4, height: 4, data: new Uint8Array(48).fill(11) },
  });
  expect((await images.get(2)).image.data[0]).toBe(10);
  expect((await texts.get(1)).text).toBe('1 of 0');
  const threads = () => readdirSync('/proc/self/task').length;
  const open = threads();
  await close();
  expect(threads()).toBeLessThan(open); // Those that decode.
});

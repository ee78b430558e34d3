import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { draw } from '@imglish/core';
import { encodePng } from '@imglish/tokenizers';

const COLORS = { red: [200, 40, 40], green: [40, 160, 60], blue: [50, 70, 200] } as const;
const SIZE = 24;

/** Writes a folder of small pictures, a bright square somewhere on a colour, and their captions. */
export function captionedFolder(folder: string, count = 12): string {
  mkdirSync(folder, { recursive: true });
  const lines = Array.from({ length: count }, (_, i) => {
    const random = draw(3, 'pictures of a test', i);
    const [name, color] = Object.entries(COLORS)[i % 3]!;
    const [left, top] = [random.integer(SIZE - 8), random.integer(SIZE - 8)];
    const data = Uint8Array.from({ length: 3 * SIZE * SIZE }, (_, at) => {
      const [x, y] = [Math.floor(at / 3) % SIZE, Math.floor(at / 3 / SIZE)];
      const inside = x >= left && x < left + 8 && y >= top && y < top + 8;
      return inside ? 250 : color[at % 3]!;
    });
    writeFileSync(join(folder, `${i}.png`), encodePng({ width: SIZE, height: SIZE, data }));
    const place = left < (SIZE - 8) / 2 ? 'left' : 'right';
    return JSON.stringify({ image: `${i}.png`, caption: `a square on ${name}, to the ${place}` });
  });
  writeFileSync(join(folder, 'captions.jsonl'), `${lines.join('\n')}\n`);
  return folder;
}

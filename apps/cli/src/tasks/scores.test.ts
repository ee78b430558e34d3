import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { openScores } from './scores.js';

const folder = temporaryFolder();
const scoreAt = (step: number, accuracy: number) => ({ step, metrics: { accuracy }, best: true });

it('keeps what a run had at its checkpoint, and forgets what came after', async () => {
  const file = join(folder, 'run', 'scores.jsonl');
  const first = await openScores(file);
  expect(first.best).toBeUndefined();
  await first.add(scoreAt(10, 0.25));
  await first.add(scoreAt(20, 0.5));
  appendFileSync(file, '{"step":30,"metr'); // killed while it was writing
  const second = await openScores(file);
  expect(second.best).toBe(0.5);
  await second.cutAfter(10);
  expect(second.best).toBe(0.25);
  expect(readFileSync(file, 'utf8')).toBe(`${JSON.stringify(scoreAt(10, 0.25))}\n`);
});

it('refuses what is no log of scores', async () => {
  const file = join(folder, 'other.jsonl');
  writeFileSync(file, 'no JSON\n');
  await expect(openScores(file)).rejects.toMatchObject({ code: 'io/lines' });
});

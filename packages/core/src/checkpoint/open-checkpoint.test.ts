import { expect, it } from 'vitest';
import { contents, goldenBytes, goldenSource } from '../../test/checkpoint/fixtures.js';
import { bytesSource } from '../bytes/bytes.js';
import { openCheckpoint } from './open-checkpoint.js';

it('tells formats apart', async () => {
  const expected = await contents(
    await openCheckpoint(goldenSource('weights/pth_variants_expected.safetensors')),
  );
  const zip = await openCheckpoint(goldenSource('weights/pth_variants.pth'));
  expect(await contents(zip)).toEqual(expected);
  const legacy = goldenBytes('weights/pth_variants_legacy.pth');
  expect(await contents(await openCheckpoint(bytesSource(legacy)))).toEqual(expected);
  // With pickle protocol 4 the magic number comes in a frame.
  const framed = new Uint8Array(legacy.length + 9);
  framed.set([0x80, 4, 0x95, 13]);
  framed.set(legacy.subarray(2), 11);
  expect(await contents(await openCheckpoint(bytesSource(framed)))).toEqual(expected);
});

it.each([
  ['nothing', '', 'checkpoint/format'],
  ['a page of a web server', '<!DOCTYPE html><html></html>', 'checkpoint/format'],
  ['a pointer of Git LFS', 'version https://git-lfs.github.com/spec/v1\noid', 'checkpoint/format'],
  ['a zip without contents', 'PK\x03\x04', 'checkpoint/zip'],
])('refuses %s', async (_, text, code) => {
  const bytes = new TextEncoder().encode(text);
  await expect(openCheckpoint(bytesSource(bytes))).rejects.toMatchObject({ code });
  if (text.includes('lfs')) {
    await expect(openCheckpoint(bytesSource(bytes))).rejects.toThrow(/git lfs pull/);
  }
});

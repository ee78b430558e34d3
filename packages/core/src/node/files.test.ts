import { mkdtempSync, rmSync } from 'node:fs';
import { open, readdir, readFile, symlink, truncate, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { readModelDirectory, writeModelDirectory } from '../checkpoint/model-directory.js';
import { tensorEntry } from '../checkpoint/tensor-file.js';
import { fileDirectory, fileSink, fileSource } from '../node.js';

const root = mkdtempSync(join(tmpdir(), 'imglish-files-'));
let folder = '';
let path = '';
beforeEach(() => {
  folder = mkdtempSync(join(root, 'case-'));
  path = join(folder, 'file.bin');
});
afterAll(() => rmSync(root, { recursive: true }));

const bytes = (...values: number[]) => new Uint8Array(values);

describe('fileSource', () => {
  it('reads any range, beyond 4 GiB too', async () => {
    const far = 5 * 2 ** 30;
    const handle = await open(path, 'w');
    await handle.write(bytes(1, 2, 3), 0, 3, 0);
    await handle.write(bytes(7, 8, 9), 0, 3, far);
    await handle.close();
    const source = await fileSource(path);
    expect(source.size).toBe(far + 3);
    expect(await source.read(1, 2)).toEqual(bytes(2, 3));
    expect(await source.read(far, 3)).toEqual(bytes(7, 8, 9));
    expect(await source.read(far + 3, 0)).toEqual(bytes());
    await expect(source.read(far + 1, 3)).rejects.toMatchObject({ code: 'io/out-of-range' });
    await expect(source.read(-1, 1)).rejects.toMatchObject({ code: 'io/out-of-range' });
    await source.close?.();
  });

  it('notices a file that shrinks, a folder and no file', async () => {
    await writeFile(path, new Uint8Array(10));
    const source = await fileSource(path);
    await truncate(path, 4);
    await expect(source.read(2, 6)).rejects.toMatchObject({ code: 'io/out-of-range' });
    await source.close?.();
    await expect(fileSource(folder)).rejects.toMatchObject({ code: 'io/not-a-file' });
    await expect(fileSource(join(folder, 'none'))).rejects.toMatchObject({ code: 'io/not-found' });
  });
});

describe('fileSink', () => {
  it('shows the new file on close and not before', async () => {
    await writeFile(path, 'old');
    const sink = await fileSink(path);
    await sink.write(bytes(1, 2));
    await sink.flush?.();
    await sink.write(bytes(3));
    expect(await readFile(path, 'utf8')).toBe('old');
    await sink.close();
    expect(new Uint8Array(await readFile(path))).toEqual(bytes(1, 2, 3));
    expect(await readdir(folder)).toEqual(['file.bin']);
    await expect(sink.write(bytes(1))).rejects.toMatchObject({ code: 'io/closed' });
    await expect(sink.close()).rejects.toMatchObject({ code: 'io/closed' });
    await sink.abort();
    expect(new Uint8Array(await readFile(path))).toEqual(bytes(1, 2, 3));
  });

  it('leaves what was there on abort', async () => {
    await writeFile(path, 'old');
    const sink = await fileSink(path);
    await sink.write(bytes(1));
    await sink.abort();
    expect(await readdir(folder)).toEqual(['file.bin']);
    expect(await readFile(path, 'utf8')).toBe('old');
  });

  it('removes what a killed process left, not what a living one writes', async () => {
    const dead = `.file.bin.${hostname()}-999999999-0.partial`;
    const other = `.file.bin.elsewhere-999999999-0.partial`;
    await writeFile(join(folder, dead), '');
    await writeFile(join(folder, other), '');
    const living = await fileSink(path);
    const sink = await fileSink(path);
    await sink.write(bytes(2));
    await sink.close();
    await living.write(bytes(1));
    await living.close();
    expect(await readdir(folder)).toEqual([other, 'file.bin']);
    expect(new Uint8Array(await readFile(path))).toEqual(bytes(1));
  });

  it('says where it cannot write', async () => {
    await expect(fileSink(join(folder, 'no', 'file'))).rejects.toMatchObject({
      code: 'io/not-found',
    });
    const sink = await fileSink(folder.concat('/x'));
    rmSync(folder, { recursive: true });
    await expect(sink.close()).rejects.toMatchObject({ name: 'IoError' });
  });
});

describe('fileDirectory', () => {
  it('makes its folder, lists files, opens links and refuses names that lead out', async () => {
    const directory = fileDirectory(join(folder, 'new', 'model'));
    const sink = await directory.create('a');
    expect(await directory.list()).toEqual([]);
    await sink.write(bytes(5));
    await sink.close();
    await symlink('a', join(folder, 'new', 'model', 'link'));
    expect(await directory.list()).toEqual(['a', 'link']);
    const link = await directory.open('link');
    expect(await link.read(0, 1)).toEqual(bytes(5));
    await link.close?.();
    await directory.remove('a');
    await directory.remove('a');
    expect(await directory.list()).toEqual(['link']);
    for (const name of ['../x', '..', '.', '', 'a/b', 'a\\b', 'a\0b', 'c:d']) {
      await expect(directory.open(name)).rejects.toMatchObject({ code: 'io/file-name' });
      await expect(directory.create(name)).rejects.toMatchObject({ code: 'io/file-name' });
    }
  });

  it('holds a model, which may be written over while it is open', async () => {
    const directory = fileDirectory(folder);
    const a = tensorEntry('a', 'F32', [2], new Float32Array([1, 2]));
    const b = tensorEntry('b', 'F16', [1], new Uint16Array([3]));
    await writeModelDirectory(directory, { config: {}, tensors: [a, b], shardBytes: 4 });
    const opened = await readModelDirectory(directory);
    await writeModelDirectory(directory, {
      config: { again: true },
      tensors: opened.tensors.tensors.values(),
    });
    await opened.close();
    expect((await readdir(folder)).sort()).toEqual(['config.json', 'model.safetensors']);
    const again = await readModelDirectory(directory);
    expect(again.config).toEqual({ again: true });
    expect(await again.tensors.tensors.get('a')!.read()).toEqual(new Float32Array([1, 2]));
    expect(await again.tensors.tensors.get('b')!.read()).toEqual(new Uint16Array([3]));
    await again.close();
  });
});

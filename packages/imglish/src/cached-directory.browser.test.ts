import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { cachedDirectory } from './cached-directory.js';

// The browser's own cache; only the server is played.
const url = new URL('https://models.example/tiny');
const address = 'https://models.example/tiny/model.safetensors';
const encoder = new TextEncoder();
let content: string;
let etag: string;
let reachable: boolean;
let asked: string[];

beforeEach(async () => {
  await caches.delete('imglish');
  [content, etag, reachable, asked] = ['0123456789', '"1"', true, []];
  vi.stubGlobal('fetch', async (input: string | URL, init: RequestInit = {}) => {
    const range = new Headers(init.headers).get('range');
    asked.push(range ?? init.method ?? 'GET');
    if (!reachable) throw new TypeError('no network');
    if (String(input) !== address) return new Response(null, { status: 404 });
    const headers = { etag, 'content-length': `${content.length}` };
    if (init.method === 'HEAD') return new Response(null, { headers });
    if (!range) return new Response(content, { headers });
    const [from, to] = range.slice('bytes='.length).split('-').map(Number);
    const part = content.slice(from, to! + 1);
    const own = { etag, 'content-range': `bytes ${from}-${to}/${content.length}` };
    return new Response(part, { status: 206, headers: own });
  });
});
afterEach(async () => {
  vi.unstubAllGlobals();
  await caches.delete('imglish');
});

async function read(offset: number, length: number): Promise<string> {
  const source = await cachedDirectory(url).open('model.safetensors');
  expect(source.size).toBe(content.length);
  return new TextDecoder().decode(await source.read(offset, length));
}

describe('cachedDirectory', () => {
  it('downloads a file once, and reads it without a network', async () => {
    expect(await read(0, 10)).toBe('0123456789');
    expect(asked).toEqual(['GET']);
    expect(await read(3, 4)).toBe('3456');
    expect(asked).toEqual(['GET', 'HEAD']);
    reachable = false;
    expect(await read(9, 1)).toBe('9');
  });

  it('downloads it again when the server has another', async () => {
    await read(0, 1);
    [content, etag] = ['another one', '"2"'];
    expect(await read(0, 11)).toBe('another one');
    expect(asked).toEqual(['GET', 'HEAD', 'GET']);
  });

  it('reads by ranges what there is no room for', async () => {
    vi.spyOn(Cache.prototype, 'put').mockRejectedValue(new DOMException('', 'QuotaExceededError'));
    expect(await read(2, 3)).toBe('234');
    expect(asked).toEqual(['GET', 'bytes=0-0', 'bytes=2-4']);
    vi.restoreAllMocks();
  });

  it('says what is not there, keeps nothing of it, and refuses ranges beyond the end', async () => {
    const missing = cachedDirectory(url).open('config.json');
    await expect(missing).rejects.toMatchObject({ code: 'io/not-found' });
    expect(await (await caches.open('imglish')).keys()).toEqual([]);
    const source = await cachedDirectory(url).open('model.safetensors');
    await expect(source.read(8, 3)).rejects.toMatchObject({ code: 'io/out-of-range' });
    expect(source.location).toBeUndefined();
    expect(await source.read(10, 0)).toEqual(encoder.encode(''));
  });
});

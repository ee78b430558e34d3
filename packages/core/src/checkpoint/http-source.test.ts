import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { contents, goldenBytes, goldenSource } from '../../test/checkpoint/fixtures.js';
import { httpDirectory } from './directory.js';
import { httpSource } from './http-source.js';
import { readModelDirectory } from './model-directory.js';
import { openCheckpoint } from './open-checkpoint.js';

const WEIGHTS = goldenBytes('weights/vqa.safetensors');
const files: Record<string, Uint8Array> = {
  '/model.safetensors': WEIGHTS,
  '/config.json': new TextEncoder().encode('{"a": 1}'),
  '/empty': new Uint8Array(0),
};
let server: Server;
let base = '';
let etag = 'one';
let served = 0;
let authorization: string | undefined;

beforeAll(async () => {
  server = createServer((request, response) => {
    const [, mode, path] = /^\/(plain|whole|hidden|short)(\/.*)$/.exec(request.url ?? '') ?? [];
    const bytes = files[path ?? ''];
    authorization = request.headers.authorization;
    if (!bytes) {
      response.writeHead(404).end();
      return;
    }
    if (request.method === 'HEAD') {
      response.writeHead(200, { 'content-length': bytes.byteLength }).end();
      return;
    }
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (mode === 'whole' || from === undefined) {
      response.writeHead(200).end(bytes);
      return;
    }
    if (Number(from) >= bytes.byteLength) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.byteLength}` }).end();
      return;
    }
    const part = bytes.subarray(Number(from), Number(to) + 1);
    served += part.byteLength;
    const range = { 'content-range': `bytes ${from}-${to}/${bytes.byteLength}` };
    const body = mode === 'short' && part.byteLength > 1 ? part.subarray(1) : part;
    response.writeHead(206, { etag, ...(mode === 'hidden' ? {} : range) }).end(body);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => server.close());

it.each(['plain', 'hidden'])('reads ranges and nothing more (%s Content-Range)', async (mode) => {
  const source = await httpSource(`${base}/${mode}/model.safetensors`, {
    headers: { authorization: 'Bearer x' },
  });
  expect(source.size).toBe(WEIGHTS.byteLength);
  served = 0;
  expect(await source.read(100, 7)).toEqual(WEIGHTS.slice(100, 107));
  expect(await source.read(100, 0)).toEqual(new Uint8Array(0));
  expect([served, authorization]).toEqual([7, 'Bearer x']);
  await expect(source.read(WEIGHTS.byteLength, 1)).rejects.toMatchObject({
    code: 'io/out-of-range',
  });
});

it('is a directory that a model can be read from', async () => {
  const model = await readModelDirectory(httpDirectory(`${base}/plain`));
  expect(model.config).toEqual({ a: 1 });
  const expected = await openCheckpoint(goldenSource('weights/vqa.safetensors'));
  expect(await contents(model.tensors)).toEqual(await contents(expected));
});

it('knows empty resources', async () => {
  const source = await httpSource(`${base}/plain/empty`);
  expect(source.size).toBe(0);
});

it('refuses servers without ranges, changed and absent resources, short answers', async () => {
  const rejects = (promise: Promise<unknown>, code: string) =>
    expect(promise).rejects.toMatchObject({ name: 'IoError', code });
  await rejects(httpSource(`${base}/whole/model.safetensors`), 'io/no-ranges');
  await rejects(httpSource(`${base}/plain/none`), 'io/not-found');
  await rejects(httpSource('http://127.0.0.1:1/x'), 'io/http');
  const short = await httpSource(`${base}/short/model.safetensors`);
  await rejects(short.read(0, 10), 'io/http');
  const source = await httpSource(`${base}/plain/model.safetensors`);
  etag = 'two';
  await rejects(source.read(0, 10), 'io/changed');
});

it('stops when told to', async () => {
  const controller = new AbortController();
  const source = await httpSource(`${base}/plain/model.safetensors`, {
    signal: controller.signal,
  });
  controller.abort();
  await expect(source.read(0, 10)).rejects.toMatchObject({ code: 'io/http' });
});

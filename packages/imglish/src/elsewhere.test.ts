import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { bytesSource, type ReadableDirectory } from '@imglish/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { tinyModel } from '../test/tiny-models.js';
import { pipeline } from './node.js';

// Models and images that are in no file, on an engine that looks for weights in files.
const image = new URL('../../../fixtures/golden/preprocess/rgb_53x37.png', import.meta.url);
const refused = (code: string) => expect.objectContaining({ code });
let model: ReadableDirectory;
let server: Server | undefined;
let base: string;

beforeAll(async () => {
  model = await tinyModel('imageClassification', ['cat', 'dog', 'owl']);
  const bytesOf = (path: string) => {
    if (path === '/image.png') return readFileSync(image);
    const [, name] = /^\/model\/([\w.]+)$/.exec(path) ?? [];
    return name && readFileSync(join(model.name, name));
  };
  server = createServer(({ url, headers }, response) => {
    try {
      const bytes = bytesOf(url!);
      if (!bytes) return void response.writeHead(404).end();
      const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
      if (from === undefined) return void response.end(bytes);
      const part = bytes.subarray(Number(from), Number(to) + 1);
      const range = `bytes ${from}-${to}/${bytes.byteLength}`;
      response.writeHead(206, { 'content-range': range, etag: '"1"' }).end(part);
    } catch {
      response.writeHead(404).end();
    }
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  base = `http://127.0.0.1:${(server!.address() as AddressInfo).port}`;
}, 120_000);
afterAll(() => server?.close());

type Answers = { label: string; score: number }[];

async function answers(
  from: string | URL | ReadableDirectory,
  device: string,
  of: URL | string,
): Promise<Answers> {
  const classify = await pipeline('image-classification', from, { device });
  try {
    return (await classify(of)) as Answers;
  } finally {
    await classify.dispose();
  }
}

/** Weights that an engine reads in place are multiplied in another order than those it is given. */
function expectSame(found: Answers, expected: Answers): void {
  expect(found.map(({ label }) => label)).toEqual(expected.map(({ label }) => label));
  for (const [i, { score }] of found.entries()) expect(score).toBeCloseTo(expected[i]!.score, 9);
}

describe.each(['cpu', 'onnx'])('on %s', (device) => {
  it('a model in memory computes what it computes from files', async () => {
    const inMemory: ReadableDirectory = {
      name: 'memory',
      async open(name) {
        const source = await model.open(name);
        const bytes = await source.read(0, source.size);
        await source.close?.();
        return bytesSource(bytes, name);
      },
    };
    expectSame(await answers(inMemory, device, image), await answers(model, device, image));
  });

  it('a model and an image of the web compute what they compute from files', async () => {
    const expected = await answers(model, device, image);
    expectSame(await answers(`${base}/model`, device, `${base}/image.png`), expected);
    const urls = [new URL('/model', base), new URL('/image.png', base)] as const;
    expectSame(await answers(urls[0], device, urls[1]), expected);
  });
});

it('what the web does not have is said', async () => {
  await expect(answers(`${base}/other`, 'cpu', image)).rejects.toEqual(
    refused('checkpoint/no-model'),
  );
  await expect(answers(model, 'cpu', `${base}/no.png`)).rejects.toEqual(refused('io/not-found'));
  await expect(answers(model, 'cpu', 'http://127.0.0.1:1/no.png')).rejects.toEqual(
    refused('io/http'),
  );
});

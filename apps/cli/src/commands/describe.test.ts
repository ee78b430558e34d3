import { join } from 'node:path';
import { type ModelDescription, PRESET_NAMES } from '@imglish/core';
import { describe, expect, it } from 'vitest';
import { GOLDEN, outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { tensorsOf } from '../../test/tensors.js';

const folder = temporaryFolder();

const sum = (record: Record<string, number>) => Object.values(record).reduce((a, b) => a + b, 0);
const described = async (...args: string[]): Promise<ModelDescription> =>
  JSON.parse(await outputOf('describe', ...args, '--json'));

describe.each(PRESET_NAMES)('describe %s', (name) => {
  it('counts parameters by part, and all of them', async () => {
    const { parameters } = await described(name);
    const { attention, feedForward, total, ...others } = parameters;
    expect(sum(attention) + sum(feedForward) + sum(others)).toBe(total);
  });

  it('counts the FLOPs of each modality, and of what a pass consists of', async () => {
    const { flops, config } = await described(name);
    const patches = (config.imageSize[0] / config.patchSize) ** 2;
    expect([flops.image.tokens, flops.text.tokens, flops.pair.tokens]).toEqual([
      patches + 1,
      64,
      patches + 65,
    ]);
    for (const pass of [flops.image, flops.text, flops.pair]) {
      const parts = pass.projections + pass.attention + sum(pass.feedForward);
      expect(pass.total).toBeGreaterThanOrEqual(parts);
      expect(pass.total).toBeLessThan(1.1 * parts);
    }
  });

  it('prints a table that says the same', async () => {
    const { parameters, config } = await described(name);
    const table = await outputOf('describe', name);
    expect(table.split('\n')[0]).toContain(`${config.layers} layers of width ${config.dim}`);
    for (const [part, count] of [
      ...Object.entries(parameters.attention).map(([expert, n]) => [`attention ${expert}`, n]),
      ...Object.entries(parameters.feedForward).map(([expert, n]) => [`feed-forward ${expert}`, n]),
      ['total', parameters.total],
    ] as [string, number][]) {
      const [, value, unit] = new RegExp(`^  ${part} +([\\d.]+) (.)$`, 'm').exec(table)!;
      const factor = { k: 1e3, M: 1e6, G: 1e9 }[unit!]!;
      expect(Math.abs(Number(value) * factor - count)).toBeLessThanOrEqual(5e-4 * count);
    }
  });
});

it('counts the parts of giant as the paper does', async () => {
  const { parameters } = await described('giant');
  const [dim, ffn, layers, fusing] = [1408, 6144, 40, 3];
  // Four projections with biases and the norm within attention, one set for all modalities.
  const attention = 4 * (dim * dim + dim) + 2 * dim;
  // Two layers with biases and the norm between them.
  const feedForward = 2 * dim * ffn + ffn + dim + 2 * ffn;
  expect(parameters.attention).toEqual({ shared: layers * attention });
  expect(parameters.feedForward).toEqual({
    A: layers * feedForward,
    B: layers * feedForward,
    VL: fusing * feedForward,
  });
  // Table 2 of arXiv 2208.10442, in millions: shared attention, V-FFN, L-FFN, VL-FFN; 1.9 B in all.
  const millions = (count: number) => Math.floor(count / 1e6);
  expect(millions(sum(parameters.attention))).toBe(317);
  expect(Object.values(parameters.feedForward).map(millions)).toEqual([692, 692, 51]);
  expect((parameters.total / 1e9).toFixed(1)).toBe('1.8');
});

it('counts base as released', async () => {
  const { parameters } = await described('base');
  const [dim, ffn, layers] = [768, 3072, 12];
  const attention = layers * (4 * (dim * dim + dim) + 2 * dim);
  const feedForward = layers * (2 * dim * ffn + ffn + dim + 2 * ffn);
  expect(parameters.attention).toEqual({ A: attention, B: attention });
  expect(parameters.feedForward).toEqual({ A: feedForward, B: feedForward });
  expect(parameters.wordEmbedding).toBe(64010 * dim);
});

it('describes a model directory: as many parameters as its file holds', async () => {
  const directory = join(folder, 'retrieval');
  const weights = join(GOLDEN, 'weights/retrieval.pth');
  await outputOf('convert', weights, directory, '--heads', '4');
  const { parameters, config } = await described(directory);
  const backbone = Object.entries(await tensorsOf(join(directory, 'model.safetensors'))).filter(
    ([name]) => name.startsWith('beit3.'),
  );
  const counts = backbone.map(([, tensor]) => {
    const [, shape] = /\[([\d,]*)\]/.exec(tensor)!;
    return shape!.split(',').reduce((product, n) => product * Number(n), 1);
  });
  expect(parameters.total).toBe(counts.reduce((a, b) => a + b, 0));
  expect([config.layers, config.dim, config.heads]).toEqual([3, 32, 4]);
  expect(await outputOf('describe', directory)).toContain(`${directory}: 3 layers of width 32`);
});

it('counts a text of another length', async () => {
  const [short, long] = [
    await described('tiny', '--text-length', '8'),
    await described('tiny', '--text-length', '16'),
  ];
  expect([short.flops.text.tokens, long.flops.text.tokens]).toEqual([8, 16]);
  expect(long.flops.text.projections).toBe(2 * short.flops.text.projections);
  expect(long.flops.text.attention).toBe(4 * short.flops.text.attention);
  expect(long.flops.image).toEqual(short.flops.image);
});

it('names the nearest preset where there is neither preset nor model', async () => {
  const { code, err } = await runCli('describe', 'bsae');
  expect(code).toBe(1);
  expect(err).toContain('[config/unknown-model]');
  expect(err).toContain('"base"');
});

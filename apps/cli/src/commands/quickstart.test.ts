import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Dataset, preset } from '@imglish/core';
import { decodeImage, textTokenizer } from '@imglish/tokenizers';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { GOLDEN, outputOf, type Ran, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { tensorsOf } from '../../test/tensors.js';

// All that is cut short here: fewer pictures for the visual codebook, fewer unseen items to be asked.
vi.mock('../quickstart/prepare.js', async (original) => {
  const prepare = await original<typeof import('../quickstart/prepare.js')>();
  const first = <T>(size: number, dataset: Dataset<T>): Dataset<T> => ({ ...dataset, size });
  return {
    ...prepare,
    loadEmoji: async (...args: Parameters<typeof prepare.loadEmoji>) => {
      const data = await prepare.loadEmoji(...args);
      return {
        ...data,
        images: first(256, data.images),
        unseenConcepts: first(48, data.unseenConcepts),
        unseenStyle: first(48, data.unseenStyle),
      };
    },
  };
});

const STEPS = 2;
/** What is trained where steps are compiled. */
const config = preset('small');
const [size] = config.imageSize;
const side = size / config.patchSize;
/** 40 % of the patches. */
const MASKED = Math.round(0.4 * side ** 2);
const folder = temporaryFolder();

function quickstart(name: string, ...options: string[]): Promise<Ran> {
  const out = ['--out', join(folder, name)];
  return runCli('quickstart', '--steps', String(STEPS), '--threads', '1', ...out, ...options);
}

/** The table rows that `quickstart` printed. */
const numbers = ({ out }: Ran) => out.split('\n').filter((line) => line.startsWith('  '));
const bytes = (...path: string[]) => readFileSync(join(folder, ...path));
const results = ({ out }: Ran) => JSON.parse(out.trimEnd().split('\n').at(-1)!);

describe('quickstart', { timeout: 300_000 }, () => {
  let first: Ran;
  beforeAll(async () => {
    first = await quickstart('first', '--seed', '5');
  }, 300_000);

  it('ends by saying where the model and the report are, and what to try', () => {
    expect(first.code, first.err).toBe(0);
    const lines = first.out.trimEnd().split('\n');
    expect(lines[0]).toMatch(/^computing with onnx: onnxruntime-node .*, 1 thread, /);
    expect(lines[1]).toMatch(
      /^\d+ captioned pictures to learn from, 48 of unseen concepts and 48 in an unseen style to be asked about, \d+ texts$/,
    );
    expect(lines.at(-3)).toBe(`model   ${join(folder, 'first/model')}`);
    expect(lines.at(-2)).toBe(`report  ${join(folder, 'first/report.html')}`);
    expect(lines.at(-1)).toMatch(
      /^try {5}npm run imglish -- fill --model ".*first\/model" "a <mask> drawing of a <mask>"$/,
    );
  });

  it('prints losses and blanks filled right beside the baselines', () => {
    const rows = numbers(first);
    for (const title of ['training loss', 'unseen concepts', 'unseen style']) {
      expect(rows.filter((row) => row.includes(title))).toHaveLength(1);
    }
    for (const stream of ['words of a text', 'patches of an image a', 'caption, given']) {
      expect(rows.filter((row) => row.includes(stream))).toHaveLength(3);
    }
    // Chance after two steps: ln 4000 for words, ln 128 for codes, and about ½ more, because the
    // logits of a fresh head have a variance of 1.
    const loss = (name: string) =>
      Number(new RegExp(`${name} +([\\d.]+) `).exec(rows.join('\n'))![1]);
    expect(
      Math.abs(loss('words of a text alone') - Math.log(config.vocabularySize) - 0.5),
    ).toBeLessThan(0.5);
    expect(Math.abs(loss('patches of an image alone') - Math.log(128) - 0.5)).toBeLessThan(0.5);
  });

  it('shows progress on stderr', () => {
    expect(first.err).toMatch(/^pretraining 2\/2 \(100 %\)/m);
    expect(first.err).toMatch(/^training the visual tokenizer 12\/12/m);
  });

  it('writes a model directory', async () => {
    const model = join(folder, 'first/model');
    expect(readdirSync(join(folder, 'first')).sort()).toEqual(['model', 'report.html']);
    expect(readdirSync(model).sort()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'tokenizer.spm',
      'visual_tokenizer.json',
      'visual_tokenizer.safetensors',
    ]);
    expect(JSON.parse(bytes('first/model/config.json').toString())).toEqual({
      model: JSON.parse(JSON.stringify(config)),
      head: { task: 'masked-data-modelling', options: { codes: 128 } },
    });
    const { vocabSize } = textTokenizer(new Uint8Array(bytes('first/model/tokenizer.spm')));
    expect(vocabSize).toBe(config.vocabularySize);
    expect(await outputOf('describe', model)).toContain('6 layers of width 256');
    const card = bytes('first/model/README.md').toString();
    expect(card).toContain('npm start -- --seed 5 --steps 2 ');
    expect(card).toMatch(/^- pictures by OpenMoji .*share alike/m);
    expect(card).toMatch(/^- labels .*MIT/m);
  });

  it('writes a report that needs nothing besides itself', () => {
    const html = bytes('first/report.html').toString();
    expect(html).toMatch(/^<!doctype html>/);
    expect(html).not.toMatch(/https?:|<script|<link|@import|url\(|NaN|undefined|\[object/);
    expect(html.match(/<svg/g)).toHaveLength(1);
    expect(html).toContain('seed 5');
    const sources = [...html.matchAll(/<img[^>]* src="([^"]*)"/g)].map(([, source]) => source!);
    // Twelve pictures of three states, and one for each of the twelve captions.
    expect(sources).toHaveLength(48);
    for (const source of sources) {
      const [, base64] = /^data:image\/png;base64,(.+)$/.exec(source)!;
      const { width, height } = decodeImage(new Uint8Array(Buffer.from(base64!, 'base64')));
      expect([width, height]).toEqual([size, size]);
    }
  });

  it('gives the same numbers and the same bytes for the same seed', async () => {
    const second = await quickstart('second', '--seed', '5');
    expect(numbers(second)).toEqual(numbers(first));
    for (const name of readdirSync(join(folder, 'first/model'))) {
      expect(bytes('second/model', name).equals(bytes('first/model', name)), name).toBe(true);
    }
    expect(bytes('second/report.html').equals(bytes('first/report.html'))).toBe(true);
  });

  it('fails the long run where the image does not help enough', async () => {
    const { code, out } = await quickstart('long', '--long');
    expect(code).toBe(1);
    expect(out.trimEnd().split('\n').at(-1)).toMatch(
      /^masked words of concepts shown: [\d.]+ % with the image, [\d.]+ % without it, -?[\d.]+ points more \(goal: 10\)$/,
    );
  });

  it('gives others for another seed and without share-alike drawings, as JSON too', async () => {
    const other = await quickstart('other', '--seed', '6', '--no-share-alike', '--json');
    expect(other.code, other.err).toBe(0);
    const lines = other.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines.some(({ label, step }) => label === 'pretraining' && step === STEPS)).toBe(true);
    const { steps, losses, evaluation, model, report } = results(other);
    expect(steps).toBe(STEPS);
    expect([model, report]).toEqual([
      join(folder, 'other/model'),
      join(folder, 'other/report.html'),
    ]);
    for (const loss of Object.values(losses)) {
      expect(first.out).not.toContain((loss as number).toFixed(3));
    }
    for (const split of [evaluation.unseenConcepts, evaluation.unseenStyle]) {
      expect(Object.keys(split)).toEqual(['text', 'image', 'pairText', 'pairImage']);
    }
    const [ours, theirs] = [
      await tensorsOf(join(folder, 'other/model/model.safetensors')),
      await tensorsOf(join(folder, 'first/model/model.safetensors')),
    ];
    expect(Object.keys(ours)).toEqual(Object.keys(theirs));
    const word = 'beit3.text_embed.weight';
    expect(ours[word]).not.toBe(theirs[word]);
    const card = bytes('other/model/README.md').toString();
    expect(card).toContain('--no-share-alike`');
    expect(card).not.toContain('share alike');
    expect(card).toMatch(/^- labels .*MIT/m);
  });

  describe('leaves a model for fill, which', () => {
    const image = join(GOLDEN, 'preprocess/rgb_53x37.png');
    const fill = (...args: string[]) =>
      runCli('fill', '--model', join(folder, 'first/model'), ...args);

    it('fills in the words of a text', async () => {
      const { code, out } = await fill('a <mask> drawing of a <mask>', '--top', '3');
      expect(code).toBe(0);
      const [text, ...blanks] = out.trimEnd().split('\n');
      expect(text).toMatch(/^a.* drawing of a.*$/);
      expect(text).not.toContain('<mask>');
      expect(blanks).toHaveLength(2);
      for (const [i, line] of blanks.entries()) {
        expect(line).toMatch(new RegExp(`^  blank ${i + 1}: (?:\\S+ [\\d.]+ %(?:  |$)){3}`));
      }
    });

    it('fills them in otherwise when it sees an image', async () => {
      const text = 'a <mask> drawing of a <mask>';
      const guesses = async (...args: string[]) =>
        JSON.parse((await fill(text, '--json', ...args)).out);
      const [blind, seeing] = [await guesses(), await guesses('--image', image)];
      for (const { blanks } of [blind, seeing]) {
        expect(blanks).toHaveLength(2);
        for (const list of blanks) {
          const probabilities = list.map(({ probability }: { probability: number }) => probability);
          expect(probabilities).toHaveLength(5);
          expect(probabilities).toEqual(probabilities.toSorted((a: number, b: number) => b - a));
        }
      }
      expect(seeing.blanks).not.toEqual(blind.blanks);
    });

    it('gives every piece for a blank; only special tokens are missing from one', async () => {
      const { out } = await fill('<mask>', '--top', '4000', '--json');
      const [list] = JSON.parse(out).blanks;
      const sum = list.reduce(
        (total: number, guess: { probability: number }) => total + guess.probability,
        0,
      );
      // All but <s>, <pad>, </s>, <unk> and <mask>, which after two steps have about their share.
      expect(list).toHaveLength(config.vocabularySize - 5);
      expect(sum).toBeLessThan(1);
      expect(sum).toBeGreaterThan(0.95);
    });

    it('masks patches of an image, fills them in, and writes all three', async () => {
      const out = join(folder, 'filled.png');
      const ran = await fill('--image', image, '--out', out);
      expect(ran.code).toBe(0);
      const [, right, all] =
        /^wrote .*filled\.png: original, masked, filled in; (\d+) of (\d+) codes right\n$/.exec(
          ran.out,
        )!;
      expect(Number(all)).toBe(MASKED);
      expect(Number(right)).toBeLessThanOrEqual(MASKED);
      const picture = decodeImage(new Uint8Array(readFileSync(out)));
      expect([picture.width, picture.height]).toEqual([3 * size + 2 * 4, size]);

      const patchesThatDiffer = (a: number, b: number) => {
        const pixel = (panel: number, x: number, y: number) =>
          picture.data
            .subarray(3 * (y * picture.width + panel * (size + 4) + x))
            .subarray(0, 3)
            .join();
        const patches = Array.from({ length: side ** 2 }, (_, patch) => {
          const [left, top] = [8 * (patch % side), 8 * Math.floor(patch / side)];
          return Array.from({ length: 64 }, (_, i) => [
            left + (i % 8),
            top + Math.floor(i / 8),
          ]).some(([x, y]) => pixel(a, x!, y!) !== pixel(b, x!, y!));
        });
        return patches.flatMap((differs, patch) => (differs ? [patch] : []));
      };
      const masked = patchesThatDiffer(0, 1);
      expect(masked).toHaveLength(MASKED);
      expect(patchesThatDiffer(1, 2)).toEqual(masked);
      expect(masked).toEqual(expect.arrayContaining(patchesThatDiffer(0, 2)));
    });

    it('masks the same patches for the same seed, others for another, with a caption too', async () => {
      const picture = async (name: string, ...args: string[]) => {
        const out = join(folder, name);
        const ran = await fill(...args, '--image', image, '--out', out, '--json');
        expect(JSON.parse(ran.out)).toEqual({ out, masked: MASKED, right: expect.any(Number) });
        return readFileSync(out);
      };
      const [zero, again, one] = [
        await picture('zero.png'),
        await picture('again.png', '--seed', '0'),
        await picture('one.png', 'a red circle', '--seed', '1'),
      ];
      expect(again.equals(zero)).toBe(true);
      expect(one.equals(zero)).toBe(false);
    });

    it.each([
      ['config/no-blank', ['a text without one']],
      ['io/not-found', ['<mask>', '--image', join(folder, 'none.png')]],
      ['image/unsupported', ['<mask>', '--image', join(GOLDEN, 'README.json')]],
      [
        'config/unsupported-option',
        ['--image', image, '--out', join(folder, 'x.png'), '--top', '1'],
      ],
      ['io/not-found', ['--image', image, '--out', join(folder, 'none/x.png')]],
    ])('says [%s] to %j', async (errorCode, args) => {
      const { code, out, err } = await fill(...args);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toMatch(/^imglish: [^\n]+\n$/);
      expect(err).toContain(`[${errorCode}]`);
    });

    it('refuses a model of another head', async () => {
      const directory = join(folder, 'vqa');
      await outputOf('convert', join(GOLDEN, 'weights/vqa.pth'), directory, '--heads', '4');
      const { code, err } = await runCli('fill', '<mask>', '--model', directory);
      expect(code).toBe(1);
      expect(err).toContain('[checkpoint/other-head]');
    });
  });
});

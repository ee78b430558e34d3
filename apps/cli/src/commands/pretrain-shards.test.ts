import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { disposeAll, modelConfig, preset } from '@imglish/core';
import { pretrain, pretrainRecipe } from '@imglish/pretrain';
import { defaultPreprocessor, KMeansTokenizer, textTokenizer } from '@imglish/tokenizers';
import { threadCommunicator, threadGroup } from '@imglish/train/node';
import { describe, expect, it } from 'vitest';
import { laionParquet, tarShards } from '../../test/captioned-shards.js';
import { GOLDEN, type Ran, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { openBackend } from '../model/backend.js';
import { openTrainingData } from '../model/training-data.js';

const folder = temporaryFolder();
const tar = tarShards(join(folder, 'tar'));
const parquet = laionParquet(join(folder, 'parquet'));
/** Two micro-batches a step: the third sample of an epoch is reached within a shard. */
const STEPS = 3;

function runPretrain(name: string, data: string, ...flags: string[]): Promise<Ran> {
  return runCli(
    ...['pretrain', '--out', join(folder, name), '--data', data],
    ...['--tokenizer', join(GOLDEN, 'tokenizer/tiny_unigram1000.spm'), '--steps', `${STEPS}`],
    ...['--batch', '1', '--codes', '8', '--every', '1', '--threads', '1', ...flags],
  );
}

const model = (name: string) => readFileSync(join(folder, name, 'model/model.safetensors'));
const losses = (name: string): unknown[] =>
  readFileSync(join(folder, name, 'run/log.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).losses);

describe('pretrain on shards', () => {
  it('learns the same from tar and from Parquet: the same records in the same order', async () => {
    for (const [name, data] of [
      ['from tar', tar],
      ['from parquet', parquet],
    ] as const) {
      const { code, out, err } = await runPretrain(name, data);
      expect({ code, out }, err).toEqual({
        code: 0,
        out: `wrote ${join(folder, name, 'model')}\n`,
      });
    }
    expect(losses('from tar')).toHaveLength(STEPS);
    expect(losses('from parquet')).toEqual(losses('from tar'));
    expect(model('from parquet').equals(model('from tar'))).toBe(true);
  });

  it.each([
    ['tar', tar],
    ['parquet', parquet],
  ])('goes on in the middle of a shard of %s as if never interrupted', async (kind, data) => {
    const name = `from ${kind}`;
    const [whole, seen] = [model(name), losses(name)];
    // What a process leaves that was killed after its first step.
    for (const left of readdirSync(join(folder, name, 'run'))) {
      if (/^checkpoint-[^1]$/.test(left))
        rmSync(join(folder, name, 'run', left), { recursive: true });
    }
    rmSync(join(folder, name, 'model'), { recursive: true });
    const { code, err } = await runPretrain(name, data);
    expect(code, err).toBe(0);
    expect(err).toMatch(/^pretraining on onnx 3\/3/m);
    expect(losses(name)).toEqual(seen);
    expect(model(name).equals(whole)).toBe(true);
  });
});

describe('records that cannot be used', () => {
  const broken = laionParquet(join(folder, 'broken'), [2, 5, 9]);
  const known = (name: string): { step: number; where: string }[] =>
    readFileSync(join(folder, name, 'run/broken.jsonl'), 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
  const forget = (name: string) => {
    for (const left of readdirSync(join(folder, name, 'run'))) {
      if (/^checkpoint-[^1]$/.test(left))
        rmSync(join(folder, name, 'run', left), { recursive: true });
    }
  };

  it('are passed over, written down, and counted the same after an interruption', async () => {
    const first = await runPretrain('passed over', broken, '--json');
    expect(first.code, first.err).toBe(0);
    const records = known('passed over');
    const places = new Set(records.map(({ where }) => where));
    expect(places.size).toBe(records.length);
    expect(places.size).toBeGreaterThan(0);
    const last = (out: string) => JSON.parse(out.trimEnd().split('\n').at(-1)!);
    expect(last(first.out)).toMatchObject({ steps: STEPS, broken: places.size });
    const whole = model('passed over');
    forget('passed over');
    const again = await runPretrain('passed over', broken, '--json');
    expect(again.code, again.err).toBe(0);
    expect(last(again.out)).toEqual(last(first.out));
    expect(model('passed over').equals(whole)).toBe(true);
    expect(known('passed over')).toEqual(records);
  });

  it('end the run beyond the limit, and it goes on with a higher one', async () => {
    const limit = known('passed over').length - 1;
    const { code, err } = await runPretrain('limited', broken, '--skip-broken', `${limit}`);
    expect(code).toBe(1);
    expect(err).toMatch(/\[(data\/too-many-broken|image\/unsupported)\]\n$/);
    expect(existsSync(join(folder, 'limited/model'))).toBe(false);
    expect((await runPretrain('limited', broken)).code).toBe(0);
    expect(model('limited').equals(model('passed over'))).toBe(true);
  });
});

describe('ranks that read shards', () => {
  const config = modelConfig({ ...preset('tiny'), imageSize: [16, 16], layers: 1 });
  const spm = readFileSync(join(GOLDEN, 'tokenizer/tiny_unigram1000.spm'));
  const [steps, pair] = [3, 2];

  /** Ids of the pairs that each of `ranks` reads in a run of an epoch, and the losses of its steps. */
  async function run(names: string, ranks: number) {
    const group = threadGroup(ranks);
    const size = config.imageSize;
    const losses: unknown[] = [];
    const ids = await Promise.all(
      Array.from({ length: ranks }, async (_, rank) => {
        const { pairs, ...data } = await openTrainingData({ kind: 'shards', names, size });
        const ids: string[] = [];
        const watched = {
          ...pairs,
          async get(index: number) {
            const pair = await pairs.get(index);
            ids.push(pair.id);
            return pair;
          },
        };
        const { state } = await pretrain({
          ...data,
          config,
          pairs: watched,
          tokenizer: textTokenizer(spm),
          visualTokenizer: new KMeansTokenizer(
            config.patchSize,
            new Float32Array(2 * 3 * config.patchSize ** 2).fill(1, 3 * config.patchSize ** 2),
          ),
          preprocessor: defaultPreprocessor(size),
          recipe: pretrainRecipe({
            ...{ steps, accumulate: 2 / ranks, mix: { text: 0, image: 0, pair } },
            ...{ warmupSteps: 0, maxTextLength: 16, maxCaptionLength: 16 },
          }),
          communicator: threadCommunicator(group, rank),
          onStep: (metrics) => void (rank === 0 && losses.push(metrics.losses)),
        });
        disposeAll(state.parameters);
        for (const { m, v } of Object.values(state.moments)) disposeAll({ m, v });
        return ids;
      }),
    );
    return { ids, losses };
  }

  it('see disjoint samples, together what one rank sees', async () => {
    await openBackend('wasm');
    const one = await run(tar, 1);
    const two = await run(tar, 2);
    expect(new Set(one.ids[0])).toEqual(new Set(Array.from({ length: 12 }, (_, i) => `${i}`)));
    expect(two.ids.map(({ length }) => length)).toEqual([6, 6]);
    expect(two.ids.flat().sort()).toEqual([...one.ids[0]!].sort());
    expect(two.losses).toHaveLength(steps);
    for (const [step, losses] of two.losses.entries()) {
      for (const [part, loss] of Object.entries(losses as Record<string, number>)) {
        expect(loss).toBeCloseTo((one.losses[step] as Record<string, number>)[part]!, 5);
      }
    }
  });
});

import { describe, expect, it } from 'vitest';
import { contents, goldenSource } from '../../test/checkpoint/fixtures.js';
import type { ByteSink } from '../bytes/bytes.js';
import { type Directory, memoryDirectory } from './directory.js';
import { type ModelToWrite, readModelDirectory, writeModelDirectory } from './model-directory.js';
import { openCheckpoint } from './open-checkpoint.js';
import { tensorEntry } from './tensor-file.js';

const text = (value: string) => new TextEncoder().encode(value);

function model(value: number, extra: Partial<ModelToWrite> = {}): ModelToWrite {
  const tensors = ['a', 'b', 'c'].map((name) =>
    tensorEntry(name, 'F32', [2], new Float32Array(2).fill(value)),
  );
  return { config: { value }, tensors, ...extra };
}

async function modelValue(directory: Directory): Promise<[unknown, number[]]> {
  const { config, tensors } = await readModelDirectory(directory);
  const all: number[] = [];
  for (const tensor of tensors.tensors.values()) all.push(...(await tensor.readFloat32()));
  return [config.value, [...new Set(all)]];
}

async function put(directory: Directory, name: string, bytes: Uint8Array): Promise<void> {
  const sink = await directory.create(name);
  await sink.write(bytes);
  await sink.close();
}

describe('model directories', () => {
  it('give back what was written', async () => {
    const directory = memoryDirectory();
    const vqa = await openCheckpoint(goldenSource('weights/vqa.pth'));
    await writeModelDirectory(directory, {
      config: { task: 'vqa', layers: 3 },
      tensors: vqa.tensors.values(),
      metadata: { format: 'pt', by: 'test' },
      tokenizer: new Uint8Array([1, 2, 3]),
      preprocessor: { size: 32 },
      card: '# Card ☃\n',
    });
    expect(await directory.list()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'preprocessor_config.json',
      'tokenizer.spm',
    ]);
    const read = await readModelDirectory(directory);
    expect(read.config).toEqual({ task: 'vqa', layers: 3 });
    expect(read.preprocessor).toEqual({ size: 32 });
    expect(read.tokenizer).toEqual(new Uint8Array([1, 2, 3]));
    expect(read.card).toBe('# Card ☃\n');
    expect(read.tensors.metadata).toEqual({ format: 'pt', by: 'test' });
    expect(await contents(read.tensors)).toEqual(await contents(vqa));
  });

  it('cut weights into shards with an index', async () => {
    const directory = memoryDirectory();
    const vqa = await openCheckpoint(goldenSource('weights/vqa.safetensors'));
    const shardBytes = 100_000;
    await writeModelDirectory(directory, { config: {}, tensors: vqa.tensors.values(), shardBytes });
    const names = await directory.list();
    expect(names).toEqual([
      'config.json',
      'model-00001-of-00003.safetensors',
      'model-00002-of-00003.safetensors',
      'model-00003-of-00003.safetensors',
      'model.safetensors.index.json',
    ]);
    const index = await directory.open('model.safetensors.index.json');
    const json = JSON.parse(new TextDecoder().decode(await index.read(0, index.size)));
    const elements = [...vqa.tensors.values()].map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(json.metadata.total_size).toBe(4 * elements.reduce((a, b) => a + b));
    expect(Object.keys(json.weight_map).length).toBe(137);
    for (const name of names.slice(1, 4)) {
      const shard = await directory.open(name);
      expect(shard.size).toBeLessThan(shardBytes + 20_000);
    }
    const read = await readModelDirectory(directory);
    expect(await contents(read.tensors)).toEqual(await contents(vqa));
    await expect(
      writeModelDirectory(directory, { config: {}, tensors: [], shardBytes: 0 }),
    ).rejects.toMatchObject({ code: 'config/shard-bytes' });
  });

  it('remove the weights and the tokenizer of an earlier model, not its card', async () => {
    const directory = memoryDirectory();
    const tokenizer = new Uint8Array(1);
    await writeModelDirectory(directory, model(1, { shardBytes: 8, tokenizer, card: 'card' }));
    await put(directory, 'notes.txt', text('mine'));
    expect((await directory.list()).length).toBe(8);
    await writeModelDirectory(directory, model(2));
    expect(await directory.list()).toEqual([
      'README.md',
      'config.json',
      'model.safetensors',
      'notes.txt',
    ]);
    expect(await modelValue(directory)).toEqual([2, [2]]);
  });

  it('are old, new or refused, wherever writing stops', async () => {
    const outcomes = new Set<string>();
    for (let steps = 0; ; steps++) {
      const directory = memoryDirectory();
      await writeModelDirectory(directory, model(1, { shardBytes: 8 }));
      const finished = await stopAfter(steps, directory, model(2, { shardBytes: 16, card: 'new' }));
      const value = await modelValue(directory).catch((error) => error.code);
      outcomes.add(JSON.stringify(value));
      if (finished) {
        expect(value).toEqual([2, [2]]);
        break;
      }
      if (value !== 'checkpoint/no-model') expect(value).toEqual([1, [1]]);
    }
    expect(outcomes.size).toBe(3);
  });

  it('are old or new and never refused while only the weights change', async () => {
    const same = { config: { is: 'the same' }, tokenizer: new Uint8Array(3), card: 'card' };
    for (let steps = 0; ; steps++) {
      const directory = memoryDirectory();
      await writeModelDirectory(directory, model(1, same));
      const finished = await stopAfter(steps, directory, model(2, same));
      const [, values] = await modelValue(directory);
      expect(values).toEqual(finished ? [2] : [1]);
      if (finished) break;
    }
  });

  it('say what is missing or wrong', async () => {
    const directory = memoryDirectory('here');
    await expect(readModelDirectory(directory)).rejects.toThrow(/config.json in here/);
    await put(directory, 'config.json', text('{}'));
    await expect(readModelDirectory(directory)).rejects.toThrow(/model.safetensors/);
    await put(directory, 'config.json', text('[]'));
    await expect(readModelDirectory(directory)).rejects.toMatchObject({ code: 'checkpoint/json' });
    await put(directory, 'config.json', text('{'));
    await expect(readModelDirectory(directory)).rejects.toMatchObject({ code: 'checkpoint/json' });
  });

  it('refuse an index that does not agree with the shards', async () => {
    const directory = memoryDirectory();
    await writeModelDirectory(directory, model(1, { shardBytes: 8 }));
    const shard = 'model-00001-of-00003.safetensors';
    const maps: [unknown, string][] = [
      [{ a: shard, x: shard }, 'checkpoint/index'],
      [{ a: shard, b: 'model-00002-of-00003.safetensors', c: 'lost' }, 'checkpoint/index'],
      [{ a: '../secret' }, 'checkpoint/index'],
      [{ a: '..' }, 'checkpoint/index'],
      [{ a: 1 }, 'checkpoint/index'],
      [[], 'checkpoint/index'],
      [undefined, 'checkpoint/index'],
    ];
    for (const [weight_map, code] of maps) {
      const index = text(JSON.stringify({ weight_map }));
      await put(directory, 'model.safetensors.index.json', index);
      await expect(readModelDirectory(directory)).rejects.toMatchObject({ code });
    }
  });
});

/** Writes a model, but every action on the directory after the first `steps` fails. */
async function stopAfter(steps: number, to: Directory, what: ModelToWrite): Promise<boolean> {
  let left = steps;
  const step = (): void => {
    if (left-- === 0) throw new Error('killed');
  };
  const dying: Directory = {
    ...to,
    async create(name: string): Promise<ByteSink> {
      step();
      const sink = await to.create(name);
      const write = async (bytes: Uint8Array): Promise<void> => {
        step();
        await sink.write(bytes);
      };
      const close = async (): Promise<void> => {
        step();
        await sink.close();
      };
      return { ...sink, write, close };
    },
    async remove(name: string): Promise<void> {
      step();
      await to.remove(name);
    },
  };
  return writeModelDirectory(dying, what).then(
    () => true,
    () => false,
  );
}

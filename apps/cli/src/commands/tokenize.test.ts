import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { textTokenizer } from '@imglish/tokenizers';
import { describe, expect, it } from 'vitest';
import { GOLDEN, outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';

const folder = temporaryFolder();
const spm = join(GOLDEN, 'tokenizer/tiny_unigram1000.spm');

/** A text and its pieces, as the reference has them. */
interface Encoded {
  text: string;
  pieces: string[];
  hf_ids: number[];
  hf_tokens?: string[];
}

/** Ids and their text, as the reference has them. */
interface Decoded {
  hf_ids: number[];
  hf_text: string;
}

const cases = <T>(name: string): T[] =>
  JSON.parse(readFileSync(join(GOLDEN, 'tokenizer', name), 'utf8')).cases;

// A command line's arguments end at a NUL, so no program can give one.
const TEXTS = cases<Encoded>('encode.json').filter(({ text }) => !text.includes('\0'));

describe('encoding', () => {
  it('gives the ids and pieces of the reference', async () => {
    const texts = TEXTS.map(({ text }) => text);
    const out = await outputOf('tokenize', '--model', spm, '--json', '--', ...texts);
    const lines = out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toHaveLength(TEXTS.length);
    for (const [i, { text, pieces, hf_ids, hf_tokens }] of TEXTS.entries()) {
      expect(lines[i].text).toBe(text);
      expect(lines[i].pieces.map(({ id }: { id: number }) => id)).toEqual(hf_ids);
      const tokens = lines[i].pieces.map(({ piece }: { piece: string }) => piece);
      expect(tokens).toEqual(hf_tokens ?? pieces);
    }
  });

  it('prints pieces and, under them, ids', async () => {
    const { pieces, ids } = textTokenizer(new Uint8Array(readFileSync(spm)))
      .encodeWithOffsets('a red cat')
      .reduce<{ pieces: string[]; ids: number[] }>(
        (all, { piece, id }) => ({ pieces: [...all.pieces, piece], ids: [...all.ids, id] }),
        { pieces: [], ids: [] },
      );
    const out = await outputOf('tokenize', 'a red cat', 'a red cat', '--model', spm);
    expect(out).toBe(`${pieces.join(' ')}\n${ids.join(' ')}\n`.repeat(2));
  });

  it('takes the tokenizer of a model directory', async () => {
    const model = join(folder, 'model');
    mkdirSync(model);
    writeFileSync(join(model, 'tokenizer.spm'), readFileSync(spm));
    const [file, directory] = [
      await outputOf('tokenize', 'a red cat', '--model', spm),
      await outputOf('tokenize', 'a red cat', '--model', model),
    ];
    expect(directory).toBe(file);
  });
});

describe('decoding', () => {
  it('gives the texts of the reference', async () => {
    for (const { hf_ids, hf_text } of cases<Decoded>('decode.json')) {
      if (hf_ids.length === 0) continue;
      const ids = hf_ids.map(String);
      const out = await outputOf('tokenize', '--decode', '--model', spm, '--json', '--', ...ids);
      expect(JSON.parse(out)).toEqual({ text: hf_text });
    }
  });

  it('undoes what encoding printed, as one argument too', async () => {
    const [, ids] = (await outputOf('tokenize', 'a red cat', '--model', spm)).split('\n');
    expect(await outputOf('tokenize', '--decode', '--model', spm, ids!)).toBe('a red cat\n');
    expect(await outputOf('tokenize', '--decode', '--model', spm, ...ids!.split(' '))).toBe(
      'a red cat\n',
    );
  });

  it.each([['5', 'x'], ['-1'], ['1.5'], ['0x10'], ['1e2'], ['']])(
    'refuses what is no id: %j %j',
    async (...ids) => {
      const { code, out, err } = await runCli('tokenize', '--decode', '--model', spm, '--', ...ids);
      expect({ code, out }).toEqual({ code: 1, out: '' });
      expect(err).toContain(`${JSON.stringify(ids.at(-1))}. [config/invalid-value]`);
    },
  );

  it('refuses an id of another vocabulary', async () => {
    const { code, err } = await runCli('tokenize', '--decode', '--model', spm, '1002');
    expect(code).toBe(1);
    expect(err).toContain('from 0 to 1001');
    expect(err).toContain('[tokenizer/wrong-vocabulary]');
    expect(await outputOf('tokenize', '--decode', '--model', spm, '1001')).toBe('\n');
  });
});

describe('--train', () => {
  const corpus = join(folder, 'corpus.txt');
  writeFileSync(
    corpus,
    ['the red cat sat on the red mat', '', 'a cat and a dog and a cow', 'the dog ran to the cow']
      .flatMap((line) => Array<string>(5).fill(line))
      .join('\n'),
  );
  const train = (out: string, size = '30') =>
    runCli('tokenize', '--train', corpus, '--vocabulary-size', size, '--out', out);

  it('writes a tokenizer of that many ids which reads every line back', async () => {
    const path = join(folder, 'trained.spm');
    const { code, out } = await train(path);
    expect({ code, out }).toEqual({ code: 0, out: `wrote ${path}\n` });
    const tokenizer = textTokenizer(new Uint8Array(readFileSync(path)));
    expect(tokenizer.vocabSize).toBe(30);
    const text = 'the red cow and the cat';
    const [pieces, ids] = (await outputOf('tokenize', text, '--model', path)).split('\n');
    expect(pieces!.split(' ').join('')).toBe('▁the▁red▁cow▁and▁the▁cat');
    expect(await outputOf('tokenize', '--decode', '--model', path, ids!)).toBe(`${text}\n`);
  });

  it('gives the same file again', async () => {
    const [first, second] = [join(folder, 'first.spm'), join(folder, 'second.spm')];
    await train(first);
    await train(second);
    expect(readFileSync(second).equals(readFileSync(first))).toBe(true);
  });

  it('reports in JSON', async () => {
    const path = join(folder, 'json.spm');
    const args = ['--train', corpus, '--vocabulary-size', '30', '--out', path, '--json'];
    const lines = (await outputOf('tokenize', ...args)).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line)).at(-1)).toEqual({ out: path });
  });

  it('says how many ids the text is good for, and writes nothing', async () => {
    const path = join(folder, 'large.spm');
    const { code, err } = await train(path, '5000');
    expect(code).toBe(1);
    expect(err).toContain('[tokenizer/vocab-size]');
    expect(existsSync(path)).toBe(false);
  });
});

import { join } from 'node:path';
import { ConfigError } from '@imglish/core';
import { type TextTokenizer, textTokenizer, trainUnigram } from '@imglish/tokenizers';
import { progress } from '@imglish/train/node';
import type { Command } from 'commander';
import { readBytes, readText } from '../model/read-file.js';
import { writeBytes } from '../model/write-file.js';
import { integer, refuseOptions } from './options.js';

interface TokenizeOptions {
  model?: string;
  decode?: boolean;
  train?: string;
  vocabularySize: number;
  out?: string;
  json?: boolean;
}

/** `imglish tokenize`: text to pieces and ids, ids to text; and training a tokenizer. */
export function registerTokenize(program: Command): void {
  program
    .command('tokenize')
    .description('text to pieces and ids, ids to text, or train a tokenizer on a text file')
    .argument('[text...]', 'texts, or ids with --decode')
    .option('--model <path>', 'a .spm file or a model directory')
    .option('--decode', 'the arguments are ids')
    .option('--train <file>', 'train on the lines of a text file instead')
    .option('--vocabulary-size <count>', 'ids of the trained tokenizer', integer(10), 2000)
    .option('--out <file>', 'where the trained tokenizer goes (.spm)')
    .option('--json', 'for programs')
    .action(async (texts: string[], options: TokenizeOptions, command: Command) => {
      if (options.train === undefined) {
        refuseOptions(command, ['vocabularySize', 'out'], 'without --train');
        await useTokenizer(texts, options);
      } else {
        refuseOptions(command, ['model', 'decode'], 'with --train');
        await trainTokenizer(options.train, texts, options);
      }
    });
}

async function useTokenizer(texts: string[], options: TokenizeOptions): Promise<void> {
  if (options.model === undefined || texts.length === 0) {
    throw new ConfigError({
      code: 'config/missing-option',
      where: 'imglish tokenize',
      expected: '--model and at least one text',
      got: options.model === undefined ? 'no --model' : 'no text',
    });
  }
  const path = options.model.endsWith('.spm')
    ? options.model
    : join(options.model, 'tokenizer.spm');
  const tokenizer = textTokenizer(await readBytes(path));
  if (options.decode) {
    const text = tokenizer.decode(idsOf(texts));
    console.log(options.json ? JSON.stringify({ text }) : text);
    return;
  }
  for (const text of texts) print(tokenizer, text, options.json ?? false);
}

function idsOf(texts: readonly string[]): number[] {
  return texts
    .flatMap((text) => text.trim().split(/\s+/))
    .map((word) => {
      if (/^\d+$/.test(word)) return Number(word);
      throw new ConfigError({
        code: 'config/invalid-value',
        where: 'imglish tokenize --decode',
        expected: 'ids: whole numbers from 0',
        got: JSON.stringify(word),
      });
    });
}

function print(tokenizer: TextTokenizer, text: string, json: boolean): void {
  const pieces = tokenizer.encodeWithOffsets(text);
  if (json) console.log(JSON.stringify({ text, pieces }));
  else {
    console.log(pieces.map(({ piece }) => piece).join(' '));
    console.log(pieces.map(({ id }) => id).join(' '));
  }
}

async function trainTokenizer(
  file: string,
  texts: readonly string[],
  options: TokenizeOptions,
): Promise<void> {
  if (options.out === undefined || texts.length > 0) {
    throw new ConfigError({
      code: options.out === undefined ? 'config/missing-option' : 'config/unsupported-option',
      where: 'imglish tokenize --train',
      expected: '--out FILE.spm and no texts besides the file',
      got: options.out === undefined ? 'no --out' : `the texts ${JSON.stringify(texts)}`,
    });
  }
  const text = await readText(file);
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  // Two ids are not pieces of the file: <pad> and <mask>.
  const shown = progress('training the tokenizer', 1, { json: options.json ?? false });
  const { spm } = trainUnigram(lines, { vocabSize: options.vocabularySize - 2 });
  shown.set(1);
  shown.finish();
  await writeBytes(options.out, spm);
  console.log(options.json ? JSON.stringify({ out: options.out }) : `wrote ${options.out}`);
}

import { ConfigError } from '@imglish/core';
import { textTokenizer } from '@imglish/tokenizers';
import { readBytes } from './read-file.js';

/**
 * Reads a SentencePiece model for a model of `rows` word embeddings.
 *
 * Throws what the tokenizer throws for other files, `config/wrong-vocabulary` for one of more ids.
 */
export async function readGivenTokenizer(file: string, rows: number): Promise<Uint8Array> {
  const spm = await readBytes(file);
  const { vocabSize } = textTokenizer(spm);
  if (vocabSize <= rows) return spm;
  throw new ConfigError({
    code: 'config/wrong-vocabulary',
    where: 'readGivenTokenizer',
    expected: `a tokenizer of at most ${rows} ids, the rows of the word embedding`,
    got: `${vocabSize} ids in ${file}`,
    fix: 'Another vocabulary belongs to these weights.',
  });
}

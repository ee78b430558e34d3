import { ImglishError, type RandomStream } from '@imglish/core';
import { maskText, SentencePiece, type TextTokenizer, textTokenizer } from '@imglish/tokenizers';
import type { FixtureSet } from './fixture-set.js';
import type { Report } from './report.js';
import type { Suite } from './suite.js';

const FOLDER = 'tokenizer/';
const PIECE_TYPES: Record<string, number> = { N: 1, U: 2, C: 3 };

/** The text tokenizer: pieces, ids, decoding, layout and masking, all exact. */
export const tokenization: Suite = {
  name: 'text tokenizer',
  covers: (path) => path.startsWith(FOLDER),
  async run(set, report) {
    const { model: file } = await set.json<{ model: string }>(`${FOLDER}README.json`);
    report.equal(`${FOLDER}README.json`, 'model', `${FOLDER}${file}`, modelPath(set));
    const bytes = await set.bytes(`${FOLDER}${file}`);
    const model = new SentencePiece(bytes);
    const tokenizer = textTokenizer(bytes);
    await checkVocabulary(set, report, model, `${FOLDER}${file}`);
    await checkEncoding(set, report, model, tokenizer);
    await checkDecoding(set, report, model, tokenizer);
    await checkLayout(set, report, tokenizer);
  },
};

function modelPath(set: FixtureSet): string | undefined {
  return set.files.map(({ path }) => path).find((path) => /^tokenizer\/.*\.spm$/.test(path));
}

async function checkVocabulary(
  set: FixtureSet,
  report: Report,
  model: SentencePiece,
  modelFile: string,
): Promise<void> {
  const path = `${FOLDER}vocab.json`;
  const { pieces } = await set.json<{ pieces: [string, number, string][] }>(path);
  report.equal(modelFile, 'pieces', model.size, pieces.length);
  const ours = pieces.map((_, id) => [model.idToPiece(id), model.scoreOf(id), model.typeOf(id)]);
  const theirs = pieces.map(([piece, score, type]) => [piece, score, PIECE_TYPES[type]]);
  report.equal(path, 'pieces, scores, types', ours, theirs);
}

interface EncodeCase {
  why: string;
  text: string;
  pieces: string[];
  ids: number[];
  hf_ids: number[];
  hf_tokens?: string[];
}

async function checkEncoding(
  set: FixtureSet,
  report: Report,
  model: SentencePiece,
  tokenizer: TextTokenizer,
): Promise<void> {
  const path = `${FOLDER}encode.json`;
  const { cases } = await set.json<{ cases: EncodeCase[] }>(path);
  for (const [i, { why, text, pieces, ids, hf_ids, hf_tokens }] of cases.entries()) {
    const plain = model.encode(text);
    const xlmr = tokenizer.encodeWithOffsets(text);
    const ours = [plain.map((p) => p.piece), plain.map((p) => p.id), xlmr.map((p) => p.id)];
    report.equal(path, `${i} ${why}`, ours, [pieces, ids, hf_ids]);
    const tokens = xlmr.map((p) => p.piece);
    report.equal(path, `${i} ${why}: tokens`, tokens, hf_tokens ?? pieces);
  }
}

interface DecodeCase {
  why: string;
  ids: number[];
  text: string;
  hf_ids: number[];
  hf_text: string;
  hf_text_no_cleanup: string;
}

async function checkDecoding(
  set: FixtureSet,
  report: Report,
  model: SentencePiece,
  tokenizer: TextTokenizer,
): Promise<void> {
  const path = `${FOLDER}decode.json`;
  const json = await set.json<{
    cases: DecodeCase[];
    hf_only?: Pick<DecodeCase, 'hf_ids' | 'hf_text'>[];
  }>(path);
  for (const [i, example] of json.cases.entries()) {
    const ours = [
      model.decode(example.ids),
      tokenizer.decode(example.hf_ids),
      tokenizer.decode(example.hf_ids, { cleanUp: false }),
    ];
    const theirs = [example.text, example.hf_text, example.hf_text_no_cleanup];
    report.equal(path, `${i} ${example.why}`, ours, theirs);
  }
  for (const [i, { hf_ids, hf_text }] of (json.hf_only ?? []).entries()) {
    report.equal(path, `hf_only ${i}`, tokenizer.decode(hf_ids), hf_text);
  }
}

interface LayoutJson {
  id_mapping: {
    mask: number;
    vocab_size: number;
    xlmr_ids: Record<string, number>;
    first_ids: Record<string, string>;
  };
  text_segment_examples: {
    why: string;
    text_segment: string | number[];
    num_max_bpe_tokens: number;
    max_len_argument: number | null;
    error?: string;
    tokens: (number | string)[];
    padding_mask: number[];
    num_tokens: number;
  }[];
  caption_masking_examples: {
    language_tokens: number[];
    num_tokens: number;
    mask_prob: number;
    draws: [string, ...number[]][];
    masked_tokens: number[];
    language_masked_pos: number[];
  }[];
}

async function checkLayout(
  set: FixtureSet,
  report: Report,
  tokenizer: TextTokenizer,
): Promise<void> {
  const path = `${FOLDER}layout.json`;
  const json = await set.json<LayoutJson>(path);
  const { mask, vocab_size, xlmr_ids, first_ids } = json.id_mapping;
  report.equal(path, '<mask>, size', [tokenizer.maskId, tokenizer.vocabSize], [mask, vocab_size]);
  for (const [piece, id] of Object.entries(xlmr_ids).filter(([name]) => name.startsWith('<'))) {
    report.equal(path, `id of ${piece}`, tokenizer.pieceToId(piece), id);
  }
  for (const [id, piece] of Object.entries(first_ids)) {
    report.equal(path, `piece ${id}`, tokenizer.idToPiece(Number(id)), piece);
  }
  for (const example of json.text_segment_examples) {
    const { text_segment, max_len_argument, num_max_bpe_tokens, why } = example;
    const read = () =>
      tokenizer.encodeForModel(text_segment, max_len_argument ?? num_max_bpe_tokens);
    if (example.error) {
      const error = thrownBy(read);
      const typed = ImglishError.isInstance(error);
      report.check(path, `segment: ${why}`, typed, typed ? error.code : 'no typed error');
      continue;
    }
    const { ids, paddingMask, length } = read();
    // The reference leaves the pieces of a string as strings; here they are ids.
    const tokens = example.tokens.map((token) =>
      typeof token === 'string' ? tokenizer.pieceToId(token) : token,
    );
    const ours = [[...ids], [...paddingMask], length];
    report.equal(path, `segment: ${why}`, ours, [tokens, example.padding_mask, example.num_tokens]);
  }
  for (const [i, example] of json.caption_masking_examples.entries()) {
    const random = replay(example.draws);
    const ids = Int32Array.from(example.language_tokens);
    const masked = maskText(ids, example.num_tokens, example.mask_prob, tokenizer, random);
    const ours = [[...masked.ids], [...masked.targets]];
    const theirs = [example.masked_tokens, example.language_masked_pos];
    report.equal(path, `masking ${i}`, ours, theirs);
  }
}

function thrownBy(f: () => unknown): unknown {
  try {
    f();
    return undefined;
  } catch (error) {
    return error;
  }
}

/** The draws that the reference made, in its order: `random()` and `randint(low, high)`. */
function replay(draws: [string, ...number[]][]): Pick<RandomStream, 'integer' | 'uniform'> {
  let next = 0;
  return {
    uniform: () => draws[next++]![1]!,
    integer: () => {
      const [, low, , value] = draws[next++]! as [string, number, number, number];
      return value - low;
    },
  };
}

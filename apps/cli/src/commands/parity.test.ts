import { createHash } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { GOLDEN, type Ran, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';

interface Manifest {
  files: { path: string; bytes: number; sha256: string }[];
}

const folder = temporaryFolder();
const damaged = join(folder, 'damaged');

const lastLine = ({ out }: Ran) => out.trimEnd().split('\n').at(-1);

/** Writes a file of the damaged fixtures and what the manifest says about it. */
function replace(path: string, bytes: Uint8Array): void {
  mkdirSync(join(damaged, path, '..'), { recursive: true });
  writeFileSync(join(damaged, path), bytes);
  const manifestPath = join(damaged, 'manifest.json');
  const manifest: Manifest = JSON.parse(readFileSync(manifestPath, 'utf8'));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const others = manifest.files.filter((file) => file.path !== path);
  const files = [...others, { path, bytes: bytes.length, sha256 }];
  writeFileSync(manifestPath, JSON.stringify({ ...manifest, files }));
}

/** A safetensors file with one value of a tensor changed. */
function withOtherValue(path: string, tensor: string, by: number): Uint8Array {
  const bytes = readFileSync(join(damaged, path));
  const headerLength = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + headerLength));
  const at = 8 + headerLength + header[tensor].data_offsets[0];
  bytes.writeFloatLE(bytes.readFloatLE(at) + by, at);
  return bytes;
}

describe('parity with the fixtures of this repository', () => {
  let ran: Ran;
  beforeAll(async () => {
    ran = await runCli('parity', '--golden', GOLDEN);
  }, 300_000);

  it('ends with exit code 0 and how many checks passed', () => {
    expect(ran.out).not.toContain('FAIL');
    expect(ran.code).toBe(0);
    const [, passed, failed] = /^(\d+) passed, (\d+) failed$/.exec(lastLine(ran)!)!;
    expect(Number(failed)).toBe(0);
    expect(Number(passed)).toBeGreaterThan(4000);
  });

  it('counts the checks of every suite', () => {
    const counts = [...ran.out.matchAll(/^.+: (\d+) of (\d+) checks$/gm)];
    expect(counts.length).toBeGreaterThan(5);
    const sum = counts.reduce((total, [, passed]) => total + Number(passed), 0);
    expect(lastLine(ran)).toBe(`${sum} passed, 0 failed`);
  });
});

describe('parity with fixtures that say something else', () => {
  const value = 'backbone/text.safetensors';
  const number = 'losses.json';
  const bytes = 'tokenizer/decode.json';
  const unknown = 'somewhere/else.bin';

  beforeAll(() => {
    cpSync(GOLDEN, damaged, { recursive: true });
    replace(value, withOtherValue(value, 'out.encoder_out', 1e-3));
    const losses = JSON.parse(readFileSync(join(damaged, number), 'utf8'));
    losses.nlvr2.loss += 1e-3;
    replace(number, new TextEncoder().encode(JSON.stringify(losses)));
    replace(unknown, new Uint8Array(3));
    // Still the same JSON, but not the bytes that the manifest means.
    writeFileSync(join(damaged, bytes), `${readFileSync(join(damaged, bytes), 'utf8')} `);
  });

  it('names each file that differs, and no other, with exit code 1', async () => {
    const ran = await runCli('parity', '--golden', damaged);
    expect(ran.code).toBe(1);
    const failures = ran.out.split('\n').filter((line) => line.startsWith('FAIL'));
    expect(failures).toHaveLength(4);
    expect(failures.some((line) => line.includes(`${value}  out.encoder_out`))).toBe(true);
    expect(failures.some((line) => line.includes(`${number}  nlvr2 loss`))).toBe(true);
    expect(failures.some((line) => line.includes(`${bytes}  checksum`))).toBe(true);
    expect(lastLine(ran)).toMatch(/^\d+ passed, 4 failed$/);
    expect(failures.some((line) => line.includes(`${unknown}  is covered`))).toBe(true);
  });

  it('says the same in JSON', async () => {
    const { code, out } = await runCli('parity', '--golden', damaged, '--json');
    expect(code).toBe(1);
    const { passed, failed, notCovered, checks } = JSON.parse(out);
    expect(notCovered).toContain(unknown);
    expect(checks).toHaveLength(passed + failed);
    const wrong = checks.filter((check: { passed: boolean }) => !check.passed);
    expect(wrong.map(({ file }: { file: string }) => file).sort()).toEqual(
      [value, number, bytes, unknown].sort(),
    );
    expect(failed).toBe(4);
  });
});

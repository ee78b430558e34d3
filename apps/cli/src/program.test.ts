import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { GOLDEN, runCli } from '../test/run-cli.js';
import { temporaryFolder } from '../test/temporary-folder.js';
import { createProgram } from './program.js';

const NAMES = createProgram().commands.map((command) => command.name());
const folder = temporaryFolder();
const nowhere = join(folder, 'nowhere');
const spm = join(GOLDEN, 'tokenizer/tiny_unigram1000.spm');
const vqa = join(GOLDEN, 'weights/vqa.pth');

it('has a command for everything it can do', () => {
  const names =
    'quickstart pretrain fill tokenize describe convert export scenes prepare finetune evaluate predict doctor parity shards tokenizer';
  expect([...NAMES].sort()).toEqual(names.split(' ').sort());
});

describe('a command line that cannot be understood', () => {
  it.each([
    ['an unknown command', ['pretrian'], /Did you mean pretrain\?/],
    ['an unknown option', ['describe', 'tiny', '--jsno'], /Did you mean --json\?/],
    ['a missing argument', ['describe'], /missing required argument 'model'/],
    ['too many arguments', ['describe', 'tiny', 'small'], /Expected 1 argument but got 2/],
    ['a missing option', ['parity'], /required option '--golden <directory>'/],
    ['an option without its value', ['doctor', '--json', 'parity', '--golden'], /--golden/],
    ['a fraction for a count', ['quickstart', '--steps', '1.5'], /an integer of at least 1/],
    ['a count of zero', ['fill', 'x', '--model', 'm', '--top', '0'], /an integer of at least 1/],
    ['a negative seed', ['quickstart', '--seed', '-1'], /an integer of at least 0/],
    ['a rate of zero', ['pretrain', '--lr', '0'], /a number above 0/],
    ['a rate that is no number', ['pretrain', '--lr', 'fast'], /a number above 0/],
    ['an unknown preset', ['pretrain', '--preset', 'huge'], /tiny, small, base, large, giant/],
  ])('is exit code 2 and a hint: %s', async (_, args, hint) => {
    const { code, out, err } = await runCli(...args);
    expect(code).toBe(2);
    expect(out).toBe('');
    expect(err).toMatch(hint);
    expect(err).toContain('--help');
  });

  it('is an empty one, which is told what there is', async () => {
    const { code, out, err } = await runCli();
    expect({ code, out }).toEqual({ code: 2, out: '' });
    for (const name of NAMES) expect(err).toContain(name);
  });
});

describe('help', () => {
  it('of the program names every command', async () => {
    const { code, out, err } = await runCli('--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    for (const name of NAMES) expect(out).toContain(name);
  });

  it.each(NAMES)('of %s names every option', async (name) => {
    const { code, out, err } = await runCli(name, '--help');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain(`Usage: imglish ${name}`);
    const { options } = createProgram().commands.find((command) => command.name() === name)!;
    for (const { flags, description } of options) {
      expect(out).toContain(flags);
      expect(description).not.toBe('');
    }
  });
});

describe('input that cannot be', () => {
  it.each([
    ['config/unknown-model', ['describe', nowhere]],
    ['io/not-found', ['convert', nowhere, join(folder, 'model')]],
    ['io/not-found', ['convert', vqa, join(folder, 'm'), '--heads', '4', '--tokenizer', nowhere]],
    ['checkpoint/heads', ['convert', vqa, join(folder, 'model')]],
    ['io/not-found', ['tokenize', 'text', '--model', `${nowhere}.spm`]],
    ['io/not-found', ['tokenize', 'text', '--model', nowhere]],
    ['io/not-found', ['tokenize', '--train', nowhere, '--out', join(folder, 'new.spm')]],
    ['config/missing-option', ['tokenize', 'text']],
    ['config/missing-option', ['tokenize', '--model', spm]],
    ['config/missing-option', ['tokenize', '--train', spm]],
    ['config/unsupported-option', ['tokenize', '--train', spm, '--out', 'x.spm', 'text']],
    ['config/unsupported-option', ['tokenize', '--train', spm, '--out', 'x.spm', '--decode']],
    ['config/unsupported-option', ['tokenize', 'text', '--model', spm, '--out', 'x.spm']],
    ['checkpoint/no-model', ['fill', '<mask>', '--model', nowhere]],
    ['config/missing-option', ['fill', '--model', nowhere]],
    ['config/missing-option', ['fill', '--model', nowhere, '--out', 'x.png']],
    ['config/unsupported-option', ['fill', '<mask>', '--model', nowhere, '--seed', '1']],
    ['backend/unknown', ['fill', '<mask>', '--model', nowhere, '--backend', 'gpu']],
    ['backend/unknown', ['parity', '--golden', GOLDEN, '--backend', 'gpu']],
    ['backend/unknown', ['quickstart', '--out', folder, '--backend', 'gpu']],
    ['backend/unknown', ['pretrain', '--out', folder, '--backend', 'gpu']],
    ['data/fixture-missing', ['parity', '--golden', nowhere]],
    ['data/no-format', ['pretrain', '--out', folder, '--data', nowhere]],
    ['io/not-found', ['pretrain', '--out', folder, '--recipe', nowhere]],
    ['config/json', ['pretrain', '--out', folder, '--recipe', `${GOLDEN}/../../README.md`]],
    ['config/unknown-key', ['pretrain', '--out', folder, '--recipe', `${GOLDEN}/manifest.json`]],
  ])('is exit code 1 and one line that ends in [%s]: %j', async (errorCode, args) => {
    const { code, out, err } = await runCli(...args);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(/^imglish: [^\n]+\n$/);
    expect(err.trimEnd().endsWith(`[${errorCode}]`), err).toBe(true);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('does not hide an error that nobody foresaw', async () => {
    const surprise = new TypeError('a surprise');
    const stringify = vi.spyOn(JSON, 'stringify').mockImplementation(() => {
      throw surprise;
    });
    const { code, err } = await runCli('describe', 'tiny', '--json');
    stringify.mockRestore();
    expect(code).toBe(1);
    expect(err).toContain('TypeError: a surprise');
  });
});

it('leaves the exit code of the process alone', async () => {
  const before = process.exitCode;
  expect((await runCli('describe', nowhere)).code).toBe(1);
  expect(process.exitCode).toBe(before);
  expect((await runCli('describe', 'tiny')).code).toBe(0);
  expect(process.exitCode).toBe(before);
});

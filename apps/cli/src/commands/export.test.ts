import '@tensorflow/tfjs-backend-cpu';
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { InferenceSession } from 'onnxruntime-node';
import { beforeAll, describe, expect, it } from 'vitest';
import { HEADS, tinyModel, writeTinyModel } from '../../test/exported.js';
import { outputOf, runCli } from '../../test/run-cli.js';
import { temporaryFolder } from '../../test/temporary-folder.js';

const folder = temporaryFolder();
const pretrained = join(folder, 'pretrained');
const retrieval = join(folder, 'retrieval');
const onnx = join(pretrained, 'onnx');
const PARTS = [
  'decoder_prefill',
  'decoder_step',
  'fusion_encoder',
  'image_captioning',
  'masked_image',
  'masked_pair',
  'masked_text',
  'text_encoder',
  'vision_encoder',
];

beforeAll(async () => {
  await writeTinyModel(pretrained, tinyModel(HEADS[0]!));
  await writeTinyModel(retrieval, tinyModel(HEADS[4]!));
});

describe('imglish export', () => {
  it('writes every part, names it and tells its size', async () => {
    const out = await outputOf('export', '--model', pretrained);
    const files = PARTS.map((part) => `${part}.onnx`);
    expect(readdirSync(onnx).sort()).toEqual(['README.md', ...files].sort());
    for (const file of files) {
      const megabytes = Number((statSync(join(onnx, file)).size / 1e6).toPrecision(3));
      expect(out).toMatch(new RegExp(`^ +${file} +${megabytes} MB `, 'm'));
    }
    expect(out).toMatch(new RegExp(`^wrote 9 models, .* and README.md to ${onnx}$`, 'm'));
  });

  it('adds other precisions beside them, smaller ones, and tells programs', async () => {
    const sizes: Record<string, number> = {};
    for (const [precision, file] of [
      ['float16', 'vision_encoder_fp16.onnx'],
      ['int8', 'vision_encoder_quantized.onnx'],
    ] as const) {
      const args = ['--model', pretrained, '--part', 'vision', '--precision', precision, '--json'];
      const told = JSON.parse(await outputOf('export', ...args));
      const bytes = statSync(join(onnx, file)).size;
      const seconds = expect.any(Number);
      const part = 'vision';
      expect(told).toEqual({ out: onnx, files: [{ file, part, precision, bytes, seconds }] });
      sizes[precision] = bytes;
    }
    const full = statSync(join(onnx, 'vision_encoder.onnx')).size;
    expect(sizes.float16! / full).toBeLessThan(0.55);
    expect(sizes.int8! / full).toBeLessThan(0.35);
  });

  it('describes all files that are there, in the README', async () => {
    const readme = readFileSync(join(onnx, 'README.md'), 'utf8');
    const listed = [...readme.matchAll(/^\| `(.*\.onnx)`/gm)].map(([, file]) => file);
    const files = readdirSync(onnx).filter((file) => file.endsWith('.onnx'));
    expect(listed.sort()).toEqual(files.sort());
    for (const part of PARTS) {
      const session = await InferenceSession.create(join(onnx, `${part}.onnx`));
      const [, section] = new RegExp(`^## ${part}$([^]*?)^## `, 'm').exec(readme)!;
      const names = (word: string) =>
        [...section!.matchAll(new RegExp(`^- ${word} \`(.*?)\``, 'gm'))].map(([, name]) => name!);
      const general = (all: readonly string[]) => [
        ...new Set(all.map((name) => name.replace(/\.\d+\./, '.{layer}.'))),
      ];
      expect(names('in')).toEqual(general(session.inputNames));
      expect(names('out')).toEqual(general(session.outputNames));
      await session.release();
    }
    expect(readme).toContain('minus [0.5, 0.5, 0.5], divided by [0.5, 0.5, 0.5]');
  });

  it('writes the heads of a task, vectors both ways for retrieval', async () => {
    const out = join(folder, 'heads');
    const task = ['--part', 'head', '--task', 'image-text-retrieval'];
    await outputOf('export', '--model', retrieval, '--out', out, ...task);
    const files = ['README.md', 'image_embeddings.onnx', 'text_embeddings.onnx'];
    expect(readdirSync(out).sort()).toEqual(files);
  });

  it('fixes the number of samples, and the room of the decoder', async () => {
    const out = join(folder, 'fixed');
    const options = ['--out', out, '--part', 'prefill', '--batch', '3', '--max-length', '5'];
    await outputOf('export', '--model', pretrained, ...options);
    const session = await InferenceSession.create(join(out, 'decoder_prefill.onnx'));
    const shapes = [...session.inputMetadata, ...session.outputMetadata].map((value) =>
      value.isTensor ? [value.name, ...value.shape] : [],
    );
    expect(shapes).toContainEqual(['pixel_values', 3, 3, 32, 32]);
    expect(shapes).toContainEqual(['present.3.text.key', 3, 4, 5, 32]);
    await session.release();
  });

  it.each([
    ['a folder without a model', ['--model', folder], 'checkpoint/no-model'],
    ['a part that the model lacks', ['--model', retrieval, '--part', 'step'], 'config/no-part'],
    [
      'a task that it lacks',
      ['--model', retrieval, '--task', 'image-captioning'],
      'config/no-part',
    ],
    [
      'a task where there are no heads',
      ['--model', retrieval, '--part', 'text', '--task', 'image-text-retrieval'],
      'config/unsupported-option',
    ],
    [
      'room where there is no decoder',
      ['--model', retrieval, '--max-length', '9'],
      'config/unsupported-option',
    ],
    [
      'more room than there are positions',
      ['--model', pretrained, '--part', 'prefill', '--max-length', '2000'],
      'config/max-length',
    ],
  ])('refuses %s, and writes nothing', async (_, args, code) => {
    const out = join(folder, 'refused');
    const { code: status, err } = await runCli('export', '--out', out, ...args);
    expect([status, err]).toEqual([1, expect.stringContaining(`[${code}]`)]);
    expect(readdirSync(folder)).not.toContain('refused');
  });

  it('refuses a directory whose weights are gone', async () => {
    const bare = join(folder, 'bare');
    mkdirSync(bare);
    copyFileSync(join(pretrained, 'config.json'), join(bare, 'config.json'));
    const { code, err } = await runCli('export', '--model', bare);
    expect([code, err]).toEqual([1, expect.stringContaining('[checkpoint/no-model]')]);
  });

  it('does not understand other parts, precisions and batches', async () => {
    for (const wrong of [
      ['--part', 'legs'],
      ['--precision', 'int4'],
      ['--batch', 'many'],
    ]) {
      expect((await runCli('export', '--model', pretrained, ...wrong)).code).toBe(2);
    }
  });
});

describe('the examples of the README', () => {
  const example = (language: string) => {
    const readme = readFileSync(join(onnx, 'README.md'), 'utf8');
    return new RegExp(`^\`\`\`${language}\\n([^]*?)^\`\`\``, 'm').exec(readme)![1]!;
  };

  it('runs in Node', () => {
    const installed = new URL('../../node_modules', import.meta.url);
    symlinkSync(fileURLToPath(installed), join(onnx, 'node_modules'));
    const args = ['--input-type=module', '--eval', example('js')];
    const { stdout, stderr } = spawnSync(process.execPath, args, { cwd: onnx, encoding: 'utf8' });
    expect(stdout, stderr).toBe('last_hidden_state [ 2, 17, 128 ]\n');
  });

  const python = process.env.IMGLISH_PYTHON ?? 'python3';
  const { status } = spawnSync(python, ['-c', 'import onnx, onnxruntime, numpy']);
  const skipped = status === 0 ? '' : ` (skipped: ${python} lacks onnx, onnxruntime or numpy)`;

  it.skipIf(skipped)(`runs in Python, and all files are valid${skipped}`, async () => {
    for (const precision of ['float16', 'int8']) {
      await outputOf('export', '--model', pretrained, '--precision', precision);
    }
    const run = (code: string) => {
      const { stdout, stderr } = spawnSync(python, ['-c', code], { cwd: onnx, encoding: 'utf8' });
      return stdout || stderr;
    };
    expect(run(example('python'))).toBe('last_hidden_state (2, 17, 128)\n');
    const check = [
      'import glob, onnx',
      'files = sorted(glob.glob("*.onnx"))',
      'for file in files: onnx.checker.check_model(file, full_check=True)',
      'print(len(files))',
    ];
    expect(run(check.join('\n'))).toBe(`${3 * PARTS.length}\n`);
  });
});

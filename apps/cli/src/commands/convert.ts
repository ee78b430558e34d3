import { stat } from 'node:fs/promises';
import {
  ConfigError,
  loadCheckpoint,
  openCheckpoint,
  parseModelJson,
  readModelDirectory,
  type TensorEntry,
  type TensorFile,
  tensorEntry,
  writeModelDirectory,
  writeTorch,
} from '@imglish/core';
import { fileDirectory, fileSink, fileSource } from '@imglish/core/node';
import { defaultPreprocessor } from '@imglish/tokenizers';
import type { Command } from 'commander';
import { readGivenTokenizer } from '../model/given-tokenizer.js';
import { specsOf } from '../model/head-specs.js';
import { inferModel } from '../model/infer-config.js';
import { integer } from './options.js';

interface ConvertOptions {
  heads?: number;
  tokenizer?: string;
  imageSize?: number;
}

/** `imglish convert`: an official weights file to a model directory, and back. */
export function registerConvert(program: Command): void {
  program
    .command('convert')
    .description(
      'a weights file (.pth, .safetensors) to a model directory, or a directory to a .pth',
    )
    .argument('<source>', 'weights file or model directory')
    .argument('<target>', 'directory to write, or the .pth')
    .option('--heads <count>', 'attention heads, where no preset has this width', integer(1))
    .option('--tokenizer <file>', 'SentencePiece model to put into the directory')
    .option('--image-size <pixels>', 'resize the positions to images of this size', integer(1))
    .action(async (source: string, target: string, options: ConvertOptions) => {
      const isDirectory = (await stat(source).catch(() => undefined))?.isDirectory() ?? false;
      if (isDirectory) await toTorch(source, target, options);
      else await toDirectory(source, target, options);
      console.log(`wrote ${target}`);
    });
}

async function toDirectory(
  source: string,
  target: string,
  { heads, tokenizer: tokenizerFile, imageSize }: ConvertOptions,
): Promise<void> {
  const bytes = await fileSource(source);
  try {
    const file = await openCheckpoint(bytes);
    const inferred = inferModel(file.tensors, source, heads);
    const side: [number, number] | undefined = imageSize ? [imageSize, imageSize] : undefined;
    const model = side ? { ...inferred.model, imageSize: side } : inferred.model;
    const json = parseModelJson({ ...inferred, model });
    const specs = specsOf(json);
    const rows = json.model.vocabularySize;
    const tokenizer = tokenizerFile ? await readGivenTokenizer(tokenizerFile, rows) : undefined;
    // Files of the two heads without it may still carry the norm after the last layer.
    const ignores = json.model.normalizeOutput ? [] : ['beit3.encoder.layer_norm.*'];
    const checkpoint = loadCheckpoint(file, { specs, ignores });
    await writeModelDirectory(fileDirectory(target), {
      config: { ...json },
      preprocessor: { ...defaultPreprocessor(json.model.imageSize) },
      tokenizer,
      tensors: await entriesOf(file, checkpoint),
    });
  } finally {
    await bytes.close?.();
  }
}

/** Tensors as the file has them, dtype included; only resized tables become float32. */
async function entriesOf(
  file: TensorFile,
  checkpoint: ReturnType<typeof loadCheckpoint>,
): Promise<TensorEntry[]> {
  const resized = new Map<string, TensorEntry>();
  if (checkpoint.resized.length > 0) {
    for await (const { name, shape, data } of checkpoint.parameters()) {
      if (checkpoint.resized.includes(name))
        resized.set(name, tensorEntry(name, 'F32', shape, data));
    }
  }
  return checkpoint.loaded.map((name) => resized.get(name) ?? file.tensors.get(name)!);
}

async function toTorch(source: string, target: string, options: ConvertOptions): Promise<void> {
  const unsupported = Object.keys(options);
  if (!target.endsWith('.pth') || unsupported.length > 0) {
    throw new ConfigError({
      code: 'config/unsupported-option',
      where: 'imglish convert',
      expected: 'a target ending in .pth, and no options, when the source is a model directory',
      got: [target, ...unsupported].join(', '),
    });
  }
  const model = await readModelDirectory(fileDirectory(source));
  try {
    parseModelJson(model.config);
    await writeTorch(await fileSink(target), model.tensors.tensors.values());
  } finally {
    await model.close();
  }
}

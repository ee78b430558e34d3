import { access } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { openOnnxModel } from '@imglish/backend-onnx/node';
import { type Backend, ConfigError } from '@imglish/core';
import { mobileNetTeacher, modelTeacher, pixelTeacher, type Teacher } from '@imglish/pretrain';
import {
  type PreprocessorConfig,
  parsePreprocessorConfig,
  type VqKdConfig,
} from '@imglish/tokenizers';
import { parseJson } from '../commands/options.js';
import { readText } from '../model/read-file.js';

/** The teacher that `--teacher` names; it may hold a model, to be disposed. */
export async function openTeacher(
  name: string,
  { patchSize }: VqKdConfig,
  backend: Pick<Backend, 'compiler'>,
  threads?: number,
): Promise<Teacher> {
  if (name === 'pixels') return pixelTeacher(patchSize);
  if (name === 'mobilenet') return openMobileNet(backend);
  if (name.endsWith('.onnx')) return openOnnxTeacher(name, threads);
  throw new ConfigError({
    code: 'config/teacher',
    where: 'imglish tokenizer train visual',
    expected: '--teacher pixels, mobilenet or a FILE.onnx',
    got: name,
  });
}

async function openMobileNet(backend: Pick<Backend, 'compiler'>): Promise<Teacher> {
  const found = await import('nsfwjs/models/mobilenet_v2_mid').catch((cause) => {
    throw new ConfigError({
      code: 'config/no-teacher',
      where: 'imglish tokenizer train visual',
      expected: 'the package nsfwjs, which brings the MobileNet',
      got: 'none',
      fix: 'Run `npm install nsfwjs@4.3.0`, or take --teacher pixels.',
      cause,
    });
  });
  return mobileNetTeacher(found.MobileNetV2MidModel, backend);
}

/** Pixels of a patch where the model says no size: those of most vision transformers. */
const PATCH = 16;

/**
 * A model of pictures `[B, 3, H, W]` whose first output are features of patches. How pictures are
 * prepared for it says `preprocessor_config.json` beside it; else they are −1 … 1, of its own size.
 */
async function openOnnxTeacher(file: string, threads: number | undefined): Promise<Teacher> {
  const model = await openOnnxModel(file, threads === undefined ? {} : { threads });
  const [input, output] = [model.inputs[0], model.outputs[0]];
  const beside = await preprocessorBeside(file);
  const [height, width] = [input?.shape[2], input?.shape[3]];
  // [B, N, T] or [B, T, h, w].
  const dim = output?.shape.length === 4 ? output.shape[1] : output?.shape[2];
  if (!input || !output || input.shape.length !== 4 || typeof dim !== 'number') {
    await model.dispose();
    throw new ConfigError({
      code: 'config/teacher',
      where: 'imglish tokenizer train visual',
      expected: `a model of pictures [B, 3, H, W] that gives features [B, N, T] or [B, T, h, w] in ${file}`,
      got: `${JSON.stringify(input?.shape)} → ${JSON.stringify(output?.shape)}`,
    });
  }
  return modelTeacher({
    name: file,
    dim,
    preprocessor: ([h, w]) =>
      beside ?? {
        size:
          typeof height === 'number' && typeof width === 'number'
            ? [height, width]
            : [PATCH * h, PATCH * w],
      },
    async run(pictures) {
      const features = (await model.run({ [input.name]: pictures }))[output.name]!;
      return { shape: features.shape, data: features.data as Float32Array };
    },
    dispose: () => model.dispose(),
  });
}

async function preprocessorBeside(file: string): Promise<PreprocessorConfig | undefined> {
  const path = join(dirname(file), 'preprocessor_config.json');
  const isThere = await access(path).then(
    () => true,
    () => false,
  );
  return isThere ? parsePreprocessorConfig(parseJson(await readText(path), path)) : undefined;
}

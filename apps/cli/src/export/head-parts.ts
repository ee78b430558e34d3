import {
  type ModelConfig,
  type ModelJson,
  ops,
  type ParameterSpecs,
  type Parameters,
  patchGrid,
  type TensorMap,
} from '@imglish/core';
import { MASKED_DATA_MODELLING, maskedLogits } from '@imglish/pretrain';
import { embedImages, embedTexts, tasks } from '@imglish/tasks';
import type { Tensor, Tensor1D, Tensor2D } from '@tensorflow/tfjs-core';
import {
  type ExportPart,
  floats,
  imageOf,
  integers,
  type PartTensor,
  pixelInput,
  textInputs,
  textOf,
} from './part.js';

/** The tasks whose heads are among a model's parameters, from inputs to logits or vectors. */
export function headParts({ model, head }: ModelJson, names: ParameterSpecs): ExportPart[] {
  const has = (name: string) => names[name] !== undefined;
  const { classes, answers, codes } = head.options;
  return [
    ...(has('fc_norm.weight') ? [classification(model, classes!)] : []),
    ...(has('pooler.dense.weight') ? [answering(model, answers!)] : []),
    ...(has('head.dense2.weight') ? [reasoning(model, classes!)] : []),
    ...(has('mlm_head.weight') ? [captioning(model)] : []),
    ...(has('vision_head.weight') ? retrieval(model) : []),
    ...(has('mim_head.weight') ? maskedData(model, codes!) : []),
  ];
}

type Described = Pick<ExportPart, 'file' | 'group' | 'task' | 'what'>;

function described(task: string, what: string, file = task.replaceAll('-', '_')): Described {
  return { file, group: 'head', task, what };
}

interface Head {
  forward(parameters: Parameters, config: ModelConfig, inputs: never): { logits: Tensor };
}

/** A head reads no targets: they are there for the loss. */
function logitsOf(
  head: Head,
  config: ModelConfig,
  read: (inputs: TensorMap) => object,
): ExportPart['f'] {
  return (given, parameters) => ({
    logits: head.forward(parameters, config, read(given) as never).logits,
  });
}

const readImage = ({ pixel_values }: TensorMap) => ({ image: imageOf(pixel_values) });
const readPair = (given: TensorMap) => ({ ...readImage(given), ...textOf(given) });

function classification(config: ModelConfig, classes: number): ExportPart {
  const task = tasks.imageClassification;
  return {
    ...described(task.name, 'Says which class an image shows.'),
    inputs: { pixel_values: pixelInput(config) },
    outputs: { logits: floats(['batch', classes], 'one for each class') },
    f: logitsOf(task, config, readImage),
  };
}

function answering(config: ModelConfig, answers: number): ExportPart {
  const task = tasks.visualQuestionAnswering;
  return {
    ...described(task.name, 'Answers a question about an image.'),
    inputs: { pixel_values: pixelInput(config), ...textInputs },
    outputs: { logits: floats(['batch', answers], 'one for each answer') },
    f: logitsOf(task, config, readPair),
  };
}

function reasoning(config: ModelConfig, classes: number): ExportPart {
  const task = tasks.visualReasoning;
  return {
    ...described(task.name, 'Says whether a statement about two images is true.'),
    inputs: {
      pixel_values_a: pixelInput(config),
      pixel_values_b: pixelInput(config),
      ...textInputs,
    },
    outputs: { logits: floats(['batch', classes], 'false, true') },
    f: logitsOf(task, config, ({ pixel_values_a, pixel_values_b, ...text }) => ({
      imageA: imageOf(pixel_values_a),
      imageB: imageOf(pixel_values_b),
      ...textOf(text),
    })),
  };
}

function captioning(config: ModelConfig): ExportPart {
  const task = tasks.imageCaptioning;
  const [rows, columns] = patchGrid(config);
  return {
    ...described(
      task.name,
      'Predicts words of a caption where it has `<mask>`; every word sees the image and the words before it.',
    ),
    inputs: {
      pixel_values: pixelInput(config),
      ...textInputs,
      word_positions: wordPositions,
    },
    outputs: { logits: floats(['words', config.vocabularySize], 'one for each piece') },
    f: logitsOf(task, config, ({ word_positions, ...given }) => ({
      ...readPair(given),
      slots: word_positions as Tensor1D,
      attentionMask: unidirectional(1 + rows * columns, given.input_ids!.shape[1]!),
    })),
  };
}

const wordPositions: PartTensor = integers(
  ['words'],
  'which tokens are predicted: row · length of the texts + column',
);

/** Core's `unidirectionalMask` for any length of the text, by comparison: hidden is what comes later, and is text. */
function unidirectional(imageLength: number, textLength: number): Tensor2D {
  const n = imageLength + textLength;
  const index = ops.range(0, n, 1, 'int32');
  const [query, key] = [ops.reshape(index, [n, 1]), ops.reshape(index, [1, n])];
  const isLater = ops.cast(ops.greater(key, query), 'float32'); // [N, N]
  return ops.mul(isLater, ops.cast(ops.greater(key, imageLength - 1), 'float32')) as Tensor2D;
}

function retrieval(config: ModelConfig): ExportPart[] {
  const { name } = tasks.imageTextRetrieval;
  const vectors = floats(['batch', config.dim], 'of length 1: similar is what has a large product');
  return [
    {
      ...described(name, 'Images as vectors, near those of their texts.', 'image_embeddings'),
      inputs: { pixel_values: pixelInput(config) },
      outputs: { image_embeds: vectors },
      f: ({ pixel_values }, parameters) => ({
        image_embeds: embedImages(parameters, config, imageOf(pixel_values)),
      }),
    },
    {
      ...described(name, 'Texts as vectors, near those of their images.', 'text_embeddings'),
      inputs: textInputs,
      outputs: { text_embeds: vectors },
      f: (given, parameters) => ({ text_embeds: embedTexts(parameters, config, textOf(given)) }),
    },
  ];
}

function maskedData(config: ModelConfig, codes: number): ExportPart[] {
  const [rows, columns] = patchGrid(config);
  const imageInputs = {
    pixel_values: pixelInput(config),
    image_mask: integers(['batch', rows * columns], '1 where a patch is masked'),
  };
  const patchPositions = integers(
    ['patches'],
    `which patches are predicted: row · ${rows * columns} + index of the patch`,
  );
  const wordLogits = floats(['words', config.vocabularySize], 'one for each piece');
  const patchLogits = floats(['patches', codes], 'one for each visual code');
  const readMasked = ({ image_mask, ...given }: TensorMap) => ({
    ...readImage(given),
    imageMask: ops.cast(image_mask!, 'float32') as Tensor2D,
  });
  const slots = (positions: Tensor | undefined) => ({ positions: positions as Tensor1D });
  const part = (file: string, what: string) => described(MASKED_DATA_MODELLING, what, file);
  return [
    {
      ...part('masked_text', 'Fills in `<mask>` in texts.'),
      inputs: { ...textInputs, word_positions: wordPositions },
      outputs: { word_logits: wordLogits },
      f: ({ word_positions, ...given }, parameters) => {
        const masked = { inputs: textOf(given), words: slots(word_positions) };
        return { word_logits: maskedLogits(parameters, config, masked).words! };
      },
    },
    {
      ...part('masked_image', 'Fills in masked patches of images.'),
      inputs: { ...imageInputs, patch_positions: patchPositions },
      outputs: { patch_logits: patchLogits },
      f: ({ patch_positions, ...given }, parameters) => {
        const masked = { inputs: readMasked(given), patches: slots(patch_positions) };
        return { patch_logits: maskedLogits(parameters, config, masked).patches! };
      },
    },
    {
      ...part('masked_pair', 'Fills in both in images with their texts.'),
      inputs: {
        ...imageInputs,
        ...textInputs,
        word_positions: wordPositions,
        patch_positions: patchPositions,
      },
      outputs: { word_logits: wordLogits, patch_logits: patchLogits },
      f: ({ word_positions, patch_positions, ...given }, parameters) => {
        const logits = maskedLogits(parameters, config, {
          inputs: { ...readMasked(given), ...textOf(given) },
          words: slots(word_positions),
          patches: slots(patch_positions),
        });
        return { word_logits: logits.words!, patch_logits: logits.patches! };
      },
    },
  ];
}

import {
  ConfigError,
  type Dataset,
  draw,
  drawDropPath,
  type ImageExample,
  type ImageInput,
  type ModelConfig,
  type PairExample,
  patchGrid,
  type TextExample,
} from '@imglish/core';
import {
  type PreprocessorConfig,
  patchify,
  preprocessImage,
  type TextTokenizer,
  type VisualTokenizer,
} from '@imglish/tokenizers';
import type { Batch, BatchSource } from '@imglish/train';
import { tensor1d, tensor2d, tensor3d } from '@tensorflow/tfjs-core';
import type { MaskedSlots, MaskedStream } from '../objectives/masked-data-modelling.js';
import {
  type HostSlots,
  type MaskRatios,
  maskedPatches,
  maskedText,
  PAPER_MASK_RATIOS,
  wordSlots,
} from './masked-example.js';

/** Samples of each stream in a step; a stream of 0 is left out. */
export interface StreamMix {
  text: number;
  image: number;
  pair: number;
}

export interface PretrainBatch extends Batch {
  readonly text?: MaskedStream;
  readonly image?: MaskedStream;
  readonly pair?: MaskedStream;
}

export interface PretrainBatchOptions {
  config: ModelConfig;
  tokenizer: TextTokenizer;
  visualTokenizer: VisualTokenizer;
  preprocessor: PreprocessorConfig;
  texts: Dataset<TextExample>;
  images: Dataset<ImageExample>;
  pairs: Dataset<PairExample>;
  mix: StreamMix;
  seed: number;
  /** Ids of a text alone, `<s>` and `</s>` included. */
  maxTextLength: number;
  /** Ids of the text of a pair; by default as for a text alone. */
  maxCaptionLength?: number;
  ratios?: MaskRatios;
}

/** What a sample's masks and choices are drawn from. */
interface Draws {
  step: number;
  sample: number;
}

/**
 * Batches of masked texts, images and pairs, each the same whenever it is asked for: order, masks,
 * captions and drop paths are drawn from (seed, stream, batch, sample).
 *
 * Every data set is walked epoch by epoch, each epoch in an order of its own.
 */
export function pretrainBatches(options: PretrainBatchOptions): BatchSource<PretrainBatch> {
  const { config, mix, ratios = PAPER_MASK_RATIOS, seed } = options;
  checkOptions(options);
  const orders = {
    text: epochs(seed, 'text', options.texts.size),
    image: epochs(seed, 'image', options.images.size),
    pair: epochs(seed, 'pair', options.pairs.size),
  };
  const dropPath = (stream: string, index: number, count: number) => {
    if (config.dropPathRate === 0) return undefined;
    const samples = Array.from({ length: count }, (_, i) => i);
    const factors = drawDropPath(
      config,
      draw(seed, `drop path of ${stream}`).uint32(),
      index,
      samples,
    );
    return tensor3d(factors, [config.layers, 2, count]);
  };

  const textStream = async (index: number): Promise<MaskedStream> => {
    const samples = await gather(index, mix.text, async (at, global) => {
      const { text } = await options.texts.get(orders.text(global));
      return readText(options, text, options.maxTextLength, ratios.text, 'mask of text', at);
    });
    return {
      ...textInputs(samples, wordSlots(options.maxTextLength, ratios.text)),
      dropPath: dropPath('text', index, mix.text),
    };
  };
  const imageStream = async (index: number): Promise<MaskedStream> => {
    const samples = await gather(index, mix.image, async (at, global) => {
      const { image } = await options.images.get(orders.image(global));
      return readImage(options, image, ratios.image, 'mask of image', at);
    });
    return {
      ...imageInputs(config, samples, ratios.image),
      dropPath: dropPath('image', index, mix.image),
    };
  };
  const pairStream = async (index: number): Promise<MaskedStream> => {
    const length = options.maxCaptionLength ?? options.maxTextLength;
    const samples = await gather(index, mix.pair, async (at, global) => {
      const { image, captions } = await options.pairs.get(orders.pair(global));
      const chosen = draw(seed, 'caption of pair', at.step, at.sample).integer(captions.length);
      return {
        image: await readImage(options, image, ratios.image, 'image mask of pair', at),
        text: readText(
          options,
          captions[chosen]!,
          length,
          ratios.pairText,
          'text mask of pair',
          at,
        ),
      };
    });
    const images = imageInputs(
      config,
      samples.map(({ image }) => image),
      ratios.image,
    );
    const texts = textInputs(
      samples.map(({ text }) => text),
      wordSlots(length, ratios.pairText),
    );
    return {
      ...images,
      ...texts,
      inputs: { ...images.inputs, ...texts.inputs },
      dropPath: dropPath('pair', index, mix.pair),
    };
  };

  return async (index) => ({
    size: mix.text + mix.image + mix.pair,
    ...(mix.text > 0 ? { text: await textStream(index) } : {}),
    ...(mix.image > 0 ? { image: await imageStream(index) } : {}),
    ...(mix.pair > 0 ? { pair: await pairStream(index) } : {}),
  });
}

/** The samples of one stream of a batch; `global` counts through all batches. */
async function gather<T>(
  index: number,
  count: number,
  read: (at: Draws, global: number) => T | Promise<T>,
): Promise<T[]> {
  const samples: T[] = [];
  for (let sample = 0; sample < count; sample++) {
    samples.push(await read({ step: index, sample }, index * count + sample));
  }
  return samples;
}

/** Global sample number → index into the data set, epoch by epoch. */
function epochs(seed: number, stream: string, size: number): (global: number) => number {
  let known = -1;
  let order = new Uint32Array(0);
  return (global) => {
    const epoch = Math.floor(global / size);
    if (epoch !== known) {
      order = draw(seed, `order of ${stream}`, epoch).permutation(size) as Uint32Array<ArrayBuffer>;
      known = epoch;
    }
    return order[global % size]!;
  };
}

export interface ReadImageSample {
  patches: Float32Array;
  mask: Uint8Array;
  slots: HostSlots;
}

function readText(
  { tokenizer, seed }: PretrainBatchOptions,
  text: string,
  maxLength: number,
  ratio: number,
  purpose: string,
  at: Draws,
) {
  return maskedText(tokenizer.encodeForModel(text, maxLength), tokenizer, ratio, {
    seed,
    purpose,
    ...at,
  });
}

async function readImage(
  { config, visualTokenizer, preprocessor, seed }: PretrainBatchOptions,
  image: ImageExample['image'],
  ratio: number,
  purpose: string,
  at: Draws,
): Promise<ReadImageSample> {
  const pixels = preprocessImage(image, preprocessor);
  const codes = await visualTokenizer.encode(pixels);
  const grid = patchGrid(config);
  return {
    patches: patchify(pixels, config.patchSize).data,
    ...maskedPatches(codes, grid, ratio, { seed, purpose, ...at }),
  };
}

/** Masked texts as tensors; every sample has the same number of slots. */
export function textInputs(
  samples: { ids: Int32Array; paddingMask: Int32Array; slots: HostSlots }[],
  slotsEach: number,
): Pick<MaskedStream, 'inputs'> & { words: MaskedSlots } {
  const length = samples[0]!.ids.length;
  const shape: [number, number] = [samples.length, length];
  return {
    inputs: {
      textIds: tensor2d(
        joinRows(
          samples.map(({ ids }) => ids),
          Int32Array,
        ),
        shape,
        'int32',
      ),
      paddingMask: tensor2d(
        joinRows(
          samples.map(({ paddingMask }) => paddingMask),
          Float32Array,
        ),
        shape,
      ),
    },
    words: slotTensors(
      samples.map(({ slots }) => slots),
      length,
      slotsEach,
    ),
  };
}

/** Masked images as tensors. */
export function imageInputs(
  config: ModelConfig,
  samples: ReadImageSample[],
  ratio: number,
): Pick<MaskedStream, 'inputs'> & { patches: MaskedSlots } {
  const grid = patchGrid(config);
  const count = grid[0] * grid[1];
  const values = joinRows(
    samples.map(({ patches }) => patches),
    Float32Array,
  );
  const image: ImageInput = {
    patches: tensor3d(values, [samples.length, count, 3 * config.patchSize ** 2]),
    grid,
  };
  const masks = joinRows(
    samples.map(({ mask }) => mask),
    Float32Array,
  );
  return {
    inputs: { image, imageMask: tensor2d(masks, [samples.length, count]) },
    patches: slotTensors(
      samples.map(({ slots }) => slots),
      count,
      Math.round(ratio * count),
    ),
  };
}

function slotTensors(samples: HostSlots[], length: number, slotsEach: number): MaskedSlots {
  const total = samples.length * slotsEach;
  const positions = new Int32Array(total);
  const labels = new Int32Array(total);
  const weights = new Float32Array(total);
  let count = 0;
  samples.forEach((slots, sample) => {
    slots.positions.forEach((position, i) => {
      const slot = sample * slotsEach + i;
      positions[slot] = sample * length + position;
      labels[slot] = slots.labels[i]!;
      weights[slot] = 1;
      count++;
    });
  });
  return {
    positions: tensor1d(positions, 'int32'),
    labels: tensor1d(labels, 'int32'),
    weights: tensor1d(weights),
    count,
  };
}

function joinRows<T extends Float32Array | Int32Array>(
  rows: ArrayLike<number>[],
  make: new (length: number) => T,
): T {
  const width = rows[0]!.length;
  const all = new make(rows.length * width);
  rows.forEach((row, i) => {
    all.set(row, i * width);
  });
  return all;
}

function checkOptions(options: PretrainBatchOptions): void {
  const { mix, tokenizer, visualTokenizer, config } = options;
  const check = (expected: string, ok: boolean, got: unknown, fix?: string) => {
    if (ok) return;
    throw new ConfigError({
      code: 'config/pretrain-batches',
      where: 'pretrainBatches',
      expected,
      got: String(got),
      ...(fix ? { fix } : {}),
    });
  };
  const counts = [mix.text, mix.image, mix.pair];
  check(
    'a mix of whole numbers of at least 0, not all 0',
    counts.every((n) => Number.isInteger(n) && n >= 0) && counts.some((n) => n > 0),
    JSON.stringify(mix),
  );
  check('texts for the text stream', mix.text === 0 || options.texts.size > 0, 'none');
  check('images for the image stream', mix.image === 0 || options.images.size > 0, 'none');
  check('pairs for the pair stream', mix.pair === 0 || options.pairs.size > 0, 'none');
  check(
    `a tokenizer of at most ${config.vocabularySize} ids, the model's vocabulary`,
    tokenizer.vocabSize <= config.vocabularySize,
    `${tokenizer.vocabSize} ids`,
    'Another vocabulary belongs to this model, or vocabularySize is too small.',
  );
  const [h, w] = visualTokenizer.grid(config.imageSize[0], config.imageSize[1]);
  const [rows, columns] = patchGrid(config);
  check(
    `visual codes on the model's grid ${rows} × ${columns}`,
    h === rows && w === columns,
    `${h} × ${w}`,
    'Train the visual tokenizer with the patch size of the model.',
  );
}

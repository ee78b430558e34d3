import {
  ConfigError,
  type ModelConfig,
  type Parameters,
  parameter,
  patchGrid,
  type RgbImage,
} from '@imglish/core';
import {
  type Pixels,
  type PreprocessorConfig,
  preprocessImage,
  type TextTokenizer,
  type VisualTokenizer,
} from '@imglish/tokenizers';

/** What reads texts, and images as codes where there is one that does. */
export interface FittingTokenizers {
  tokenizer: TextTokenizer;
  visualTokenizer?: VisualTokenizer | undefined;
}

/**
 * Refuses tokenizers that do not belong to a model: `config/vocabulary-size` where the text tokenizer
 * has ids that the model has no row for, `config/visual-grid` where the visual one has not one code
 * for each patch of the model.
 */
export function requireTokenizersFit(
  where: string,
  config: ModelConfig,
  { tokenizer, visualTokenizer }: FittingTokenizers,
): void {
  if (tokenizer.vocabSize > config.vocabularySize) {
    throw new ConfigError({
      code: 'config/vocabulary-size',
      where,
      expected: `a text tokenizer of at most ${config.vocabularySize} ids, the model's vocabularySize`,
      got: `${tokenizer.vocabSize} ids`,
      fix: 'Another vocabulary belongs to this model, or vocabularySize is too small.',
    });
  }
  if (!visualTokenizer) return;
  const [rows, columns] = patchGrid(config);
  const [h, w] = visualTokenizer.grid(config.imageSize[0], config.imageSize[1]);
  if (h !== rows || w !== columns) {
    throw new ConfigError({
      code: 'config/visual-grid',
      where,
      expected: `visual codes on the model's grid of patches, ${rows} × ${columns}`,
      got: `${h} × ${w}`,
      fix: 'Train the visual tokenizer with the patch size of the model.',
    });
  }
}

/** Refuses a head over another number of visual codes than the codebook has: `config/codebook-size`. */
export function requireCodebookFits(where: string, parameters: Parameters, codes: number): void {
  const rows = parameter(parameters, 'mim_head.weight').shape[0];
  if (rows === codes) return;
  throw new ConfigError({
    code: 'config/codebook-size',
    where,
    expected: `a visual codebook of ${rows} codes, as many as mim_head has rows`,
    got: `${codes} codes`,
    fix: 'The model was pretrained with another visual tokenizer.',
  });
}

/**
 * An image as the normalised pixels `[3, H, W]` of the model's size; `config/image-size` where the
 * preprocessor makes another size.
 */
export function modelPixels(
  where: string,
  config: ModelConfig,
  image: RgbImage,
  preprocessor: PreprocessorConfig,
): Pixels {
  const pixels = preprocessImage(image, preprocessor);
  const [height, width] = config.imageSize;
  if (pixels.height !== height || pixels.width !== width) {
    throw new ConfigError({
      code: 'config/image-size',
      where,
      expected: `a preprocessor that makes images of ${height} × ${width}, the model's imageSize`,
      got: `${pixels.height} × ${pixels.width}`,
    });
  }
  return pixels;
}

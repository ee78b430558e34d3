import {
  type Beit3Inputs,
  beit3,
  type ModelConfig,
  patchGrid,
  type TensorMap,
} from '@imglish/core';
import {
  type ExportPart,
  floats,
  imageOf,
  type PartGroup,
  type PartTensor,
  pixelInput,
  textInputs,
  textOf,
} from './part.js';

/** The backbone on images, on texts, and on pairs of both. */
export function encoderParts(config: ModelConfig): ExportPart[] {
  const [rows, columns] = patchGrid(config);
  const tokens = 1 + rows * columns;
  const pixels = { pixel_values: pixelInput(config) };
  const image = ({ pixel_values }: TensorMap) => ({ image: imageOf(pixel_values) });
  const encoder = (
    group: PartGroup,
    what: string,
    inputs: Readonly<Record<string, PartTensor>>,
    read: (inputs: TensorMap) => Beit3Inputs,
    [length, order]: readonly [number | string, string],
  ): ExportPart => ({
    file: `${group}_encoder`,
    group,
    what,
    inputs,
    outputs: { last_hidden_state: floats(['batch', length, config.dim], order) },
    f: (given, parameters) => ({
      last_hidden_state: beit3(parameters, config, read(given)).sequence,
    }),
  });
  const patches = '`<cls>`, then the patches row by row';
  return [
    encoder('vision', 'Encodes images.', pixels, image, [tokens, patches]),
    encoder('text', 'Encodes texts.', textInputs, textOf, ['text', 'the tokens']),
    encoder(
      'fusion',
      'Encodes images together with their texts.',
      { ...pixels, ...textInputs },
      (given) => ({ ...image(given), ...textOf(given) }),
      [`text + ${tokens}`, `${patches}, then the tokens`],
    ),
  ];
}

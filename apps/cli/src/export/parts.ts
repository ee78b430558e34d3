import {
  FIRST_POSITION,
  type ModelConfig,
  type ModelJson,
  type ParameterSpecs,
} from '@imglish/core';
import { specsOf } from '../model/head-specs.js';
import { decoderParts } from './decoder-parts.js';
import { encoderParts } from './encoder-parts.js';
import { headParts } from './head-parts.js';
import type { ExportPart } from './part.js';

/** All that a model of this `config.json` can be exported as; captions have at most `maxLength` tokens. */
export function partsOf(
  json: ModelJson,
  maxLength: number,
  specs: ParameterSpecs = specsOf(json),
): ExportPart[] {
  const decodes = specs['mlm_head.weight'] !== undefined;
  return [
    ...encoderParts(json.model),
    ...headParts(json, specs),
    ...(decodes ? decoderParts(json.model, maxLength) : []),
  ];
}

/** Tokens of the longest text that a model has positions for. */
export function longestText({ maxTextPositions }: ModelConfig): number {
  return maxTextPositions - FIRST_POSITION;
}

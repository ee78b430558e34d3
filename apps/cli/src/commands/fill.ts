import { ConfigError, draw, patchGrid, type RgbImage } from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import {
  blockMask,
  fillImage,
  fillText,
  maskedPatchCount,
  PAPER_MASK_RATIOS,
  type ServedModel,
  servePretrained,
} from '@imglish/pretrain';
import { encodePng } from '@imglish/tokenizers';
import { decodeAnyImage } from '@imglish/tokenizers/node';
import type { Command } from 'commander';
import { openBackend } from '../model/backend.js';
import { readBytes } from '../model/read-file.js';
import { writeBytes } from '../model/write-file.js';
import { sideBySide } from '../report/side-by-side.js';
import { integer, refuseOptions } from './options.js';

interface FillOptions {
  model: string;
  image?: string;
  out?: string;
  top: number;
  seed: number;
  backend?: string;
  json?: boolean;
}

/** `imglish fill`: the blanks of a text, of an image, or of both together. */
export function registerFill(program: Command): void {
  program
    .command('fill')
    .description('fill in blanks: <mask> in a text, masked patches in an image')
    .argument('[text]', 'a text; every <mask> in it stands for one piece')
    .requiredOption('--model <directory>', 'a pretrained model')
    .option('--image <file>', 'an image: read with the text, or filled in itself with --out')
    .option('--out <file.png>', 'masks patches of the image, fills them in and writes the picture')
    .option('--top <count>', 'guesses for each blank', integer(1), 5)
    .option('--seed <number>', 'chooses the patches to mask', integer(0), 0)
    .option('--backend <name>', 'engine to compute with; by default the first that works')
    .option('--json', 'for programs')
    .action(async (text: string | undefined, options: FillOptions, command: Command) => {
      checkOptions(text, options);
      if (options.out) refuseOptions(command, ['top'], 'with --out');
      else refuseOptions(command, ['seed'], 'without --out');
      const { backend } = await openBackend(options.backend);
      // There is one answer to give: no other size will come.
      const model = await servePretrained(fileDirectory(options.model), backend, {});
      try {
        const image = options.image
          ? await decodeAnyImage(await readBytes(options.image))
          : undefined;
        if (options.out) await fillPatches(model, image!, text, options);
        else await fillWords(model, image, text!, options);
      } finally {
        await model.dispose();
      }
    });
}

function checkOptions(text: string | undefined, { image, out }: FillOptions): void {
  const valid = out === undefined ? text !== undefined : image !== undefined;
  if (valid) return;
  throw new ConfigError({
    code: 'config/missing-option',
    where: 'imglish fill',
    expected: 'a text with <mask>, or --image together with --out',
    got: out === undefined ? 'no text' : 'no --image',
  });
}

async function fillWords(
  model: ServedModel,
  image: RgbImage | undefined,
  text: string,
  { top, json }: FillOptions,
): Promise<void> {
  const filled = await fillText(model, text, { top, ...(image ? { image } : {}) });
  if (json) {
    console.log(JSON.stringify(filled));
    return;
  }
  console.log(filled.text);
  filled.blanks.forEach((guesses, i) => {
    const shown = guesses.map(({ piece, probability }) => `${piece} ${percent(probability)}`);
    console.log(`  blank ${i + 1}: ${shown.join('  ')}`);
  });
}

async function fillPatches(
  model: ServedModel,
  image: RgbImage,
  caption: string | undefined,
  { out, seed, json }: FillOptions,
): Promise<void> {
  const grid = patchGrid(model.config);
  const count = maskedPatchCount(grid, PAPER_MASK_RATIOS.image);
  const mask = blockMask(grid, count, draw(seed, 'fill'));
  const { original, masked, filled, codes, expected } = await fillImage(
    model,
    image,
    mask,
    caption === undefined ? {} : { caption },
  );
  await writeBytes(out!, encodePng(sideBySide([original, masked, filled])));
  const right = codes.filter((code, i) => code === expected[i]).length;
  if (json) console.log(JSON.stringify({ out, masked: count, right }));
  else console.log(`wrote ${out}: original, masked, filled in; ${right} of ${count} codes right`);
}

function percent(probability: number): string {
  return `${(100 * probability).toFixed(1)} %`;
}

import { describeLicences, emojiLicences } from '@imglish/emoji';
import type { PretrainEvaluation } from '@imglish/pretrain';
import type { QuickstartEvaluation } from './evaluation.js';
import { percent, STREAM_NAMES, samplesPerStep } from './report.js';
import type { QuickstartSettings } from './settings.js';

/** The model card that is written beside the weights: what it is, from what, how well it does. */
export function modelCard(
  { config, preset, recipe, shareAlike, long }: QuickstartSettings,
  backend: string,
  evaluation: QuickstartEvaluation,
): string {
  const command = [
    `npm start -- --seed ${recipe.seed} --steps ${recipe.steps}`,
    `--initialization ${recipe.initialization}`,
    ...(long ? ['--long'] : []),
    ...(shareAlike ? [] : ['--no-share-alike']),
  ].join(' ');
  const licences = emojiLicences.filter((licence) => shareAlike || !licence.shareAlike);
  const sources = describeLicences(licences).replaceAll(/^/gm, '- ');
  return `# A ${preset} BEiT-3, pretrained on emoji

${config.layers} layers, width ${config.dim}, ${config.imageSize.join(' × ')} px, ${config.vocabularySize} words. A demonstration, not a model for use.

Made by \`${command}\` on ${backend}: masked data modelling, ${recipe.steps} steps of ${samplesPerStep(recipe)}.

## Blanks of unseen items

${cardTable('Concepts never shown', evaluation.unseenConcepts)}

${cardTable('Concepts shown, in a style that was not', evaluation.unseenStyle)}

## Data

${sources}
`;
}

function cardTable(title: string, evaluation: PretrainEvaluation): string {
  const rows = Object.entries(evaluation).map(
    ([stream, { model, mostFrequent, withoutPartner }]) => {
      const alone = withoutPartner ? percent(withoutPartner.accuracy) : '–';
      const name = STREAM_NAMES[stream as keyof PretrainEvaluation];
      return `| ${name} | ${percent(model.accuracy)} | ${alone} | ${percent(mostFrequent.accuracy)} |`;
    },
  );
  return [
    `| ${title} | model | without its partner | most frequent |`,
    '|---|---|---|---|',
    ...rows,
  ].join('\n');
}

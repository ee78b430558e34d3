import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  ConfigError,
  describeModel,
  type ModelConfig,
  type ModelDescription,
  nearestName,
  type PassFlops,
  PRESET_NAMES,
  type PresetName,
  preset,
} from '@imglish/core';
import type { Command } from 'commander';
import { readConfig } from '../model/config-file.js';
import { integer } from './options.js';

/** `imglish describe`: parameters and FLOPs of a preset or a model directory. */
export function registerDescribe(program: Command): void {
  program
    .command('describe')
    .description('parameters and FLOPs per part and modality')
    .argument('<model>', `a preset (${PRESET_NAMES.join(', ')}) or a model directory`)
    .option('--text-length <tokens>', 'length of the text that is counted', integer(1), 64)
    .option('--json', 'for programs')
    .action(async (model: string, options: { textLength: number; json?: boolean }) => {
      const config = await configOf(model);
      const description = describeModel(config, options.textLength);
      console.log(options.json ? JSON.stringify(description, null, 2) : table(model, description));
    });
}

async function configOf(model: string): Promise<ModelConfig> {
  if ((PRESET_NAMES as readonly string[]).includes(model)) return preset(model as PresetName);
  if (await stat(join(model, 'config.json')).catch(() => undefined)) {
    return (await readConfig(model)).model;
  }
  throw new ConfigError({
    code: 'config/unknown-model',
    where: 'imglish describe',
    expected: `a preset (${PRESET_NAMES.join(', ')}) or a directory with a config.json`,
    got: `"${model}"`,
    fix: `The nearest preset is "${nearestName(model, PRESET_NAMES)}".`,
  });
}

function table(name: string, { config, parameters, flops }: ModelDescription): string {
  const [height, width] = config.imageSize;
  const experts = (record: Record<string, number>) => Object.entries(record);
  const rows: [string, number][] = [
    ['word embedding', parameters.wordEmbedding],
    ['patch embedding', parameters.patchEmbedding],
    ['positions', parameters.positions],
    ...experts(parameters.attention).map(([e, n]): [string, number] => [`attention ${e}`, n]),
    ...experts(parameters.feedForward).map(([e, n]): [string, number] => [`feed-forward ${e}`, n]),
    ['norms', parameters.norms],
    ['total', parameters.total],
  ];
  const pass = (label: string, f: PassFlops) =>
    `  ${label.padEnd(18)} ${si(f.total).padStart(9)}FLOP  ${f.tokens} tokens  (projections ${si(f.projections)}, attention ${si(f.attention)}, ${experts(
      f.feedForward,
    )
      .map(([e, n]) => `feed-forward ${e} ${si(n)}`)
      .join(', ')})`;
  return [
    `${name}: ${config.layers} layers of width ${config.dim}, ${config.heads} heads, ${height} × ${width} px in patches of ${config.patchSize}, vocabulary ${config.vocabularySize}, variant "${config.variant}"`,
    'parameters',
    ...rows.map(([label, n]) => `  ${label.padEnd(18)} ${si(n).padStart(9)}`),
    'forward pass, one sample (a multiply-add is two)',
    pass('image', flops.image),
    pass('text', flops.text),
    pass('image and text', flops.pair),
  ].join('\n');
}

function si(value: number): string {
  const units = ['', 'k', 'M', 'G', 'T'];
  const power = value === 0 ? 0 : Math.min(4, Math.floor(Math.log10(value) / 3));
  const scaled = value / 1000 ** power;
  return `${power === 0 ? scaled : scaled.toPrecision(4)} ${units[power]}`;
}

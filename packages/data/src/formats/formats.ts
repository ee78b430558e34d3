import { ConfigError, nearestName } from '@imglish/core';
import { ade20k } from '../ade20k/ade20k.js';
import { captions } from '../captions/captions-format.js';
import { cocoCaptions } from '../coco/coco-captions.js';
import { cocoInstances } from '../coco/coco-instances.js';
import { imagenet } from '../imagenet/imagenet.js';
import { cocoKarpathy, flickr30k } from '../karpathy/karpathy.js';
import { metadata } from '../metadata/metadata.js';
import { nlvr2 } from '../nlvr2/nlvr2.js';
import { nocaps } from '../nocaps/nocaps.js';
import type { DataFiles } from '../records/files.js';
import { recordError } from '../records/record-error.js';
import { vqav2 } from '../vqav2/vqav2.js';
import type { DataFormat, DataTask } from './format.js';

/** Every form of data set that is read; where a folder could be several, the first is taken. */
export const dataFormats: readonly DataFormat[] = [
  metadata,
  captions,
  vqav2,
  nlvr2,
  cocoKarpathy,
  flickr30k,
  nocaps,
  cocoCaptions,
  cocoInstances,
  ade20k,
  imagenet,
];

/** The format of a name: `config/unknown-format` where there is none. */
export function dataFormat(name: string): DataFormat {
  const format = dataFormats.find((candidate) => candidate.name === name);
  if (format) return format;
  const names = dataFormats.map((candidate) => candidate.name);
  throw new ConfigError({
    code: 'config/unknown-format',
    where: 'dataFormat',
    expected: `one of ${names.join(', ')}`,
    got: `"${name}"`,
    fix: `The nearest is "${nearestName(name, names)}".`,
  });
}

/** The format that a folder has for a task: `data/no-format` where it is none of those that are read. */
export async function findFormat(files: DataFiles, task: DataTask): Promise<DataFormat> {
  const serving = dataFormats.filter(({ tasks }) => tasks.includes(task));
  for (const format of serving) {
    if (await format.isIn(files, task)) return format;
  }
  const names = serving.map(({ name, description }) => `${name} (${description})`);
  throw recordError(
    'no-format',
    files.name,
    `data for ${task}: ${names.join(', ')}`,
    'none of them',
    {
      fix: 'See docs/data.md for the layout of each.',
    },
  );
}

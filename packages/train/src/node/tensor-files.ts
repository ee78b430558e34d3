import { join } from 'node:path';
import {
  openSafetensors,
  openShards,
  planShards,
  type TensorEntry,
  type TensorFile,
  writeSafetensors,
} from '@imglish/core';
import { fileDirectory, fileSource } from '@imglish/core/node';
import { type FileSeal, writeSealed, writeText } from './durable.js';

/** Writes tensors as STEM.safetensors, or as shards with an index; what the files are, by name. */
export async function writeTensorFiles(
  folder: string,
  stem: string,
  tensors: Iterable<TensorEntry>,
  shardBytes: number,
): Promise<Record<string, FileSeal>> {
  const { files, index } = planShards(stem, tensors, shardBytes);
  const seals: Record<string, FileSeal> = {};
  for (const { name, tensors } of files) {
    seals[name] = await writeSealed(join(folder, name), (write) =>
      writeSafetensors({ name, write, close: async () => {}, abort: async () => {} }, tensors),
    );
  }
  if (index) seals[index.name] = await writeText(join(folder, index.name), index.text);
  return seals;
}

/** Whether tensors of that stem are among the files. */
export function hasTensorFiles(files: Readonly<Record<string, unknown>>, stem: string): boolean {
  return [weightsOf(stem), indexOf(stem)].some((name) => Object.hasOwn(files, name));
}

/** Opens what `writeTensorFiles` wrote, `files` being the names in the folder. */
export async function openTensorFiles(
  folder: string,
  stem: string,
  files: Readonly<Record<string, unknown>>,
): Promise<TensorFile> {
  if (Object.hasOwn(files, indexOf(stem))) return openShards(fileDirectory(folder), indexOf(stem));
  const source = await fileSource(join(folder, weightsOf(stem)));
  try {
    return await openSafetensors(source);
  } catch (error) {
    await source.close?.();
    throw error;
  }
}

/** Whether a name is one that tensors of one of the stems may be written under. */
export function isTensorFile(name: string, stems: readonly string[]): boolean {
  const found = /^(.+?)(-\d+-of-\d+)?\.safetensors(\.index\.json)?$/.exec(name);
  return found !== null && stems.includes(found[1]!);
}

function weightsOf(stem: string): string {
  return `${stem}.safetensors`;
}

function indexOf(stem: string): string {
  return `${weightsOf(stem)}.index.json`;
}

import { join } from 'node:path';
import { PRECISIONS, type Precision } from '@imglish/backend-onnx/node';
import { fileDirectory } from '@imglish/core/node';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { type ExportedFile, exportModel } from '../export/export-model.js';
import { PART_GROUPS, type PartGroup } from '../export/part.js';
import { fileSize } from '../export/readme.js';
import { integer } from './options.js';

interface ExportCommandOptions {
  model: string;
  out?: string;
  part: PartGroup | 'all';
  task?: string;
  precision: Precision;
  batch: 'free' | number;
  maxLength?: number;
  json?: boolean;
}

/** `imglish export`: parts of a model as ONNX files. */
export function registerExport(program: Command): void {
  program
    .command('export')
    .description('parts of a model as ONNX files, for any ONNX Runtime')
    .requiredOption('--model <directory>', 'a model directory')
    .option('--out <directory>', 'where the files go; by default `onnx` in the model directory')
    .addOption(
      new Option('--part <part>', 'which parts').choices([...PART_GROUPS, 'all']).default('all'),
    )
    .option('--task <name>', 'of the heads only those of this task')
    .addOption(
      new Option('--precision <precision>', 'of weights and arithmetic')
        .choices(PRECISIONS)
        .default('float32'),
    )
    .option('--batch <samples>', 'samples of a run: "free", or a fixed number', batchSize, 'free')
    .option('--max-length <tokens>', 'longest caption of the decoder; default 64', integer(2))
    .option('--json', 'for programs')
    .action(async (options: ExportCommandOptions) => {
      const { model, out = join(model, 'onnx'), batch, json, ...rest } = options;
      const files = await exportModel(fileDirectory(model), fileDirectory(out), {
        ...rest,
        ...(batch !== 'free' && { batch }),
        ...(!json && { onWritten: (file) => console.log(line(file)) }),
      });
      if (json) console.log(JSON.stringify({ out, files }));
      else console.log(summary(out, files));
    });
}

function batchSize(text: string): 'free' | number {
  if (text === 'free') return text;
  try {
    return integer(1)(text);
  } catch {
    throw new InvalidArgumentError('"free" or an integer of at least 1 is expected.');
  }
}

function line({ file, bytes, seconds }: ExportedFile): string {
  return `  ${file.padEnd(44)} ${fileSize(bytes).padStart(9)}  ${seconds.toFixed(1)} s`;
}

function summary(out: string, files: readonly ExportedFile[]): string {
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const count = `${files.length} ${files.length === 1 ? 'model' : 'models'}`;
  return `wrote ${count}, ${fileSize(bytes)}, and README.md to ${out}`;
}

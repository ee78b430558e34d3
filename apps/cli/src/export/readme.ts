import type { PreprocessorConfig } from '@imglish/tokenizers';
import type { ExportPart, PartTensor } from './part.js';

/** A part, and the files it is in. */
export interface DescribedPart {
  readonly part: ExportPart;
  readonly files: readonly {
    readonly names: readonly string[];
    readonly precision: string;
    readonly bytes: number;
  }[];
}

/** The README of a folder of exported files: what each takes and gives, and how one is run. */
export function exportReadme(
  parts: readonly DescribedPart[],
  preprocessor: Required<PreprocessorConfig> | undefined,
): string {
  const [first] = parts;
  return `${[
    '# ONNX files',
    'ONNX Runtime runs them, without Imglish. A name in a shape is a size that may differ between runs (`batch` not in files that were exported with `--batch`).',
    table(parts),
    'Inputs and outputs are the same for each precision.',
    ...parts.map(section),
    '## What goes in',
    inputs(preprocessor),
    '## Python',
    fence('python', python(first!)),
    '## JavaScript',
    fence('js', javascript(first!)),
  ].join('\n\n')}\n`;
}

function table(parts: readonly DescribedPart[]): string {
  const rows = parts.flatMap(({ files }) =>
    files.map(({ names, precision, bytes }) => {
      const file = names.map((name) => `\`${name}\``).join(' with ');
      return `| ${file} | ${precision} | ${fileSize(bytes)} |`;
    }),
  );
  return ['| file | precision | size |', '| --- | --- | --- |', ...rows].join('\n');
}

/** Three digits, in MB or GB. */
export function fileSize(bytes: number): string {
  const megabytes = Number((bytes / 1e6).toPrecision(3));
  return megabytes < 1000 ? `${megabytes} MB` : `${megabytes / 1000} GB`;
}

function section({ part }: DescribedPart): string {
  const list = (tensors: Readonly<Record<string, PartTensor>>, word: string) =>
    layered(tensors).map(([name, tensor]) => {
      const { dtype, shape, what } = tensor;
      return `- ${word} \`${name}\` ${dtype} \`[${shape.join(', ')}]\`: ${what}`;
    });
  return [
    `## ${part.file}`,
    '',
    part.what,
    '',
    ...list(part.inputs, 'in'),
    ...list(part.outputs, 'out'),
  ].join('\n');
}

/** Tensors that there is one of in each layer, as one line. */
function layered(tensors: Readonly<Record<string, PartTensor>>): [string, PartTensor][] {
  const lines = new Map<string, PartTensor>();
  for (const [name, tensor] of Object.entries(tensors)) {
    const general = name.replace(/\.\d+\./, '.{layer}.');
    const what = general === name ? tensor.what : 'of each layer, from 0 on';
    lines.set(general, { ...tensor, what });
  }
  return [...lines];
}

function inputs(preprocessor: Required<PreprocessorConfig> | undefined): string {
  const ids =
    'Token ids are int32; they come from the SentencePiece model `tokenizer.spm` of the model directory.';
  if (!preprocessor) return ids;
  const { mean, std } = preprocessor;
  return `Pixels are RGB from 0 to 1, channels first, minus [${mean.join(', ')}], divided by [${std.join(', ')}]. ${ids}`;
}

const SAMPLE = 2;

/** One number for every free size of an example. */
function sampleShape({ shape }: PartTensor): number[] {
  return shape.map((size) => (typeof size === 'number' ? size : SAMPLE));
}

function python({ part, files }: DescribedPart): string {
  const feeds = Object.entries(part.inputs).map(([name, tensor]) => {
    const shape = sampleShape(tensor);
    return `    "${name}": np.zeros((${shape.join(', ')}${shape.length === 1 ? ',' : ''}), np.${tensor.dtype}),`;
  });
  return [
    'import numpy as np',
    'import onnxruntime',
    '',
    `session = onnxruntime.InferenceSession("${files[0]!.names[0]}")`,
    'outputs = session.run(None, {',
    ...feeds,
    '})',
    'for output, values in zip(session.get_outputs(), outputs):',
    '    print(output.name, values.shape)',
  ].join('\n');
}

function javascript({ part, files }: DescribedPart): string {
  const feeds = Object.entries(part.inputs).map(([name, tensor]) => {
    const shape = sampleShape(tensor);
    const array = tensor.dtype === 'float32' ? 'Float32Array' : 'Int32Array';
    return `  '${name}': new Tensor('${tensor.dtype}', new ${array}(${shape.join(' * ')}), [${shape.join(', ')}]),`;
  });
  return [
    "import { InferenceSession, Tensor } from 'onnxruntime-node'; // or 'onnxruntime-web'",
    '',
    `const session = await InferenceSession.create('${files[0]!.names[0]}');`,
    'const outputs = await session.run({',
    ...feeds,
    '});',
    'for (const name of session.outputNames) console.log(name, outputs[name].dims);',
  ].join('\n');
}

function fence(language: string, code: string): string {
  return `\`\`\`${language}\n${code}\n\`\`\``;
}

import { statSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { exportOnnx, type Precision } from '@imglish/backend-onnx/node';
import {
  backboneSpecs,
  beit3,
  draw,
  type ModelConfig,
  parameterSource,
  preset,
  readModelDirectory,
  type Traceable,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import type { Tensor4D } from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { writeRandomModel } from './model-folder.js';
import { type RaceOptions, race, type Side } from './race.js';
import { machine, type Report } from './report.js';
import { inTemporaryFolder } from './temporary-folder.js';
import { timed } from './timed.js';

interface Exported {
  readonly side: Side;
  /** Of the last run. */
  output(): Float32Array;
  release(): Promise<void>;
}

/** The exported image encoder of BEiT-3 base in plain onnxruntime: int8 against float32. */
export async function precisions(
  options: RaceOptions,
  config: ModelConfig = preset('base'),
): Promise<Report> {
  const threads = availableParallelism();
  const [height, width] = config.imageSize;
  const random = draw(0, 'precisions');
  const pixels = Float32Array.from({ length: 3 * height * width }, () => random.normal());
  const feeds = { pixels: new Tensor('float32', pixels, [1, 3, height, width]) };
  return inTemporaryFolder(async (folder) => {
    await writeRandomModel(folder, config);
    const opened: Exported[] = [];
    try {
      for (const precision of ['int8', 'float32'] as const) {
        options.note?.(`writing ${precision}`);
        opened.push(await openExport(folder, config, precision, feeds, threads));
      }
      const [int8, float32] = opened as [Exported, Exported];
      const result = await race(int8.side, [float32.side], options);
      const away = 1 - cosine(int8.output(), float32.output());
      return {
        benchmark: 'precisions',
        what:
          `the image encoder of BEiT-3 as released, exported: width ${config.dim}, ` +
          `${config.layers} layers, ${height} px. Difference: 1 − cosine of the hidden states`,
        machine: machine(threads),
        cases: [
          {
            ...{ name: 'an image', samples: 1, ...result },
            differences: { [float32.side.name]: away },
          },
        ],
      };
    } finally {
      for (const { release } of opened) await release();
    }
  });
}

async function openExport(
  folder: string,
  config: ModelConfig,
  precision: Precision,
  feeds: Record<string, Tensor>,
  threads: number,
): Promise<Exported> {
  const model = await readModelDirectory(fileDirectory(folder));
  const encoder: Traceable = ({ pixels }, parameters) => ({
    sequence: beit3(parameters, config, { image: { pixels: pixels as Tensor4D } }).sequence,
  });
  const parameters = parameterSource(model.tensors, { specs: backboneSpecs(config) });
  const shape = feeds.pixels!.dims as number[];
  await exportOnnx(encoder, { pixels: { dtype: 'float32', shape } }, fileDirectory(folder), {
    ...{ name: precision, parameters, precision },
  });
  await model.close();
  const file = join(folder, `${precision}.onnx`);
  const session = await InferenceSession.create(file, {
    ...{ intraOpNumThreads: threads, interOpNumThreads: 1, graphOptimizationLevel: 'all' },
  });
  let output = new Float32Array(0);
  return {
    side: {
      name: precision,
      settings: `${Math.round(statSync(file).size / 1e6)} MB, onnxruntime-node, ${threads} threads`,
      run: (runs) =>
        timed(runs, async () => {
          output = (await session.run(feeds)).sequence!.data as Float32Array<ArrayBuffer>;
        }),
    },
    output: () => output,
    release: () => session.release(),
  };
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [product, ofA, ofB] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    product += a[i]! * b[i]!;
    ofA += a[i]! ** 2;
    ofB += b[i]! ** 2;
  }
  return product / Math.sqrt(ofA * ofB);
}

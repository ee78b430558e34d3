import '@tensorflow/tfjs-backend-cpu';
import { join } from 'node:path';
import { exportOnnx, PRECISIONS, type Precision } from '@imglish/backend-onnx/node';
import {
  type Executor,
  eagerExecutor,
  type HostTensorMap,
  type ModelJson,
  type Parameters,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import { dispose, setBackend, tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  HEADS,
  inputsOf,
  likeness,
  openFile,
  type Sizes,
  shapeOf,
  tinyModel,
  tinyValues,
} from '../../test/exported.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { type ExportPart, exampleOf } from './part.js';
import { partsOf } from './parts.js';

/**
 * How near files are to the function run op by op: the largest difference in units of the output's
 * deviation, and the cosine.
 *
 * float32: the same numbers in another order of summation. float16: every value is rounded to 11
 * bits (2⁻¹² ≈ 2.4e-4 of it), some forty times on the way. int8: steps of 1/64 of the largest weight and
 * 1/255 of the range of the activations.
 */
const LIMITS: Readonly<Record<Precision, { worst: number; cosine: number }>> = {
  float32: { worst: 1e-5, cosine: 1 - 1e-9 },
  float16: { worst: 0.01, cosine: 1 - 1e-5 },
  int8: { worst: 0.5, cosine: 0.998 },
};

const MAX_LENGTH = 6;
const SIZES: readonly Sizes[] = [
  { batch: 1, text: 3, words: 2, patches: 5, max_length: MAX_LENGTH },
  { batch: 3, text: 9, words: 4, patches: 3, max_length: MAX_LENGTH },
];

const folder = temporaryFolder();
const models = [
  ...HEADS.map((head) => tinyModel(head)),
  tinyModel(HEADS[0]!, 'paper'),
  tinyModel(HEADS[2]!, 'paper'),
];

function isNew(part: ExportPart, json: ModelJson): boolean {
  return part.group === 'head' || json.head.task === HEADS[0]!.task;
}

beforeAll(() => setBackend('cpu'));

describe.each(models)('$head.task, $model.variant', (json) => {
  let parameters: Parameters;
  let eager: Executor;
  beforeAll(() => {
    parameters = Object.fromEntries(
      [...tinyValues(json)].map(([name, { data, shape }]) => [
        name,
        tensor(data, shape as [number]),
      ]),
    );
    eager = eagerExecutor(parameters);
  });
  afterAll(() => dispose({ ...parameters }));

  const write = async (part: ExportPart, precision: Precision) => {
    const name = `${json.model.variant}-${part.file}-${precision}`;
    const { example, freeSizes } = exampleOf(part, undefined);
    const target = fileDirectory(folder);
    await exportOnnx(part.f, example, target, { name, parameters, precision, freeSizes });
    return openFile(join(folder, `${name}.onnx`));
  };
  const near = (given: HostTensorMap, wanted: HostTensorMap, precision: Precision) => {
    for (const [name, { data }] of Object.entries(wanted)) {
      const { cosine, worst } = likeness(given[name]!.data, data);
      const limit = LIMITS[precision];
      expect(worst, `${name}, cosine ${cosine}`).toBeLessThan(limit.worst);
      expect(cosine, name).toBeGreaterThan(limit.cosine);
    }
  };

  const parts = partsOf(json, MAX_LENGTH).filter((part) => isNew(part, json));
  describe.each(parts)('$file', (part) => {
    let runs: { given: HostTensorMap; wanted: HostTensorMap; sizes: Sizes }[];
    beforeAll(async () => {
      runs = await Promise.all(
        SIZES.map(async (sizes) => {
          const given = inputsOf(part, json, sizes);
          return { sizes, given, wanted: await eager.run(part.f, given) };
        }),
      );
    }, 120_000);

    it.each(PRECISIONS)('is the function, %s', async (precision) => {
      const run = await write(part, precision);
      for (const { sizes, given, wanted } of runs) {
        const outputs = await run(given);
        expect(mapped(outputs, ({ shape }) => shape)).toEqual(
          mapped(part.outputs, (spec) => shapeOf(spec, sizes)),
        );
        near(outputs, wanted, precision);
      }
      await run.close();
    });
  });
});

function mapped<A, B>(
  values: Readonly<Record<string, A>>,
  map: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(values).map(([name, value]) => [name, map(value)]));
}

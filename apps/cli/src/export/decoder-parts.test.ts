import '@tensorflow/tfjs-backend-cpu';
import { join } from 'node:path';
import { exportOnnx, PRECISIONS, type Precision } from '@imglish/backend-onnx/node';
import {
  decodeStep,
  type HostTensor,
  type HostTensorMap,
  namedLinear,
  type Parameters,
  prefill,
} from '@imglish/core';
import { fileDirectory } from '@imglish/core/node';
import {
  dispose,
  setBackend,
  slice,
  type Tensor3D,
  type Tensor4D,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { HEADS, inputsOf, likeness, openFile, tinyModel, tinyValues } from '../../test/exported.js';
import { temporaryFolder } from '../../test/temporary-folder.js';
import { exampleOf } from './part.js';
import { partsOf } from './parts.js';

/** As for the other parts; errors do not grow from step to step, as the words are given. */
const LIMITS: Readonly<Record<Precision, number>> = { float32: 1e-5, float16: 0.01, int8: 0.5 };
const MAX_LENGTH = 8;
const BATCH = 3;
const MASK = 1999;
/** The words of three captions; `<s>` is 0. */
const WORDS = [
  [0, 0, 0],
  [17, 400, 3],
  [1500, 8, 77],
  [21, 21, 21],
  [5, 1000, 999],
  [6, 60, 600],
  [1, 2, 3],
];

const folder = temporaryFolder();
const json = tinyModel(HEADS[0]!);
const { model: config } = json;
let parameters: Parameters;
let wanted: Float32Array[];

beforeAll(async () => {
  await setBackend('cpu');
  parameters = Object.fromEntries(
    [...tinyValues(json)].map(([name, { data, shape }]) => [name, tensor(data, shape as [number])]),
  );
  wanted = captioned();
}, 120_000);
afterAll(() => dispose({ ...parameters }));

const [prefillPart, stepPart] = ['prefill', 'step'].map((group) =>
  partsOf(json, MAX_LENGTH).find((part) => part.group === group),
);
const { pixel_values: pixels } = inputsOf(prefillPart!, json, { batch: BATCH });
const idsAt = (step: number) => WORDS[step]!.flatMap((word) => [word, MASK]);

/** Logits of every step, by core, op by op. */
function captioned(): Float32Array[] {
  return tidy(() => {
    const image = {
      pixels: tensor(pixels!.data, [...pixels!.shape] as [number]) as never as Tensor4D,
    };
    const logits = (text: Tensor3D) =>
      namedLinear(
        slice(text, [0, 1, 0], [-1, 1, -1]),
        parameters,
        'mlm_head',
      ).dataSync() as Float32Array;
    const ids = (step: number) => tensor2d(idsAt(step), [BATCH, 2], 'int32');
    let { text, state } = prefill(parameters, config, image, ids(0), MAX_LENGTH);
    const all = [logits(text)];
    for (let step = 1; step < WORDS.length; step++) {
      const position = tensor1d([step], 'int32');
      ({ text, state } = decodeStep(parameters, config, state, ids(step), position));
      all.push(logits(text));
    }
    return all;
  });
}

it.each(PRECISIONS)(
  'the exported first and later calls decode as core does, %s',
  async (precision) => {
    const open = async (part: typeof prefillPart) => {
      const name = `${part!.file}-${precision}`;
      const { example, freeSizes } = exampleOf(part!, undefined);
      const options = { name, parameters, precision, freeSizes };
      await exportOnnx(part!.f, example, fileDirectory(folder), options);
      return openFile(join(folder, `${name}.onnx`));
    };
    const [begin, goOn] = [await open(prefillPart), await open(stepPart)];
    const ids = (step: number): HostTensor => ({
      dtype: 'int32',
      shape: [BATCH, 2],
      data: Int32Array.from(idsAt(step)),
    });
    const near = (logits: HostTensor, step: number) =>
      expect(likeness(logits.data, wanted[step]!).worst, `step ${step}`).toBeLessThan(
        LIMITS[precision],
      );

    const { logits, ...first } = await begin({ pixel_values: pixels!, input_ids: ids(0) });
    near(logits!, 0);
    const past: Record<string, HostTensor> = {};
    const keep = (present: HostTensorMap) => {
      for (const [name, value] of Object.entries(present)) {
        past[name.replace('present', 'past')] = value;
      }
    };
    keep(first);
    for (let step = 1; step < WORDS.length; step++) {
      const position: HostTensor = { dtype: 'int32', shape: [1], data: Int32Array.of(step) };
      const { logits, ...present } = await goOn({ ...past, position, input_ids: ids(step) });
      near(logits!, step);
      keep(present);
    }
    await begin.close();
    await goOn.close();
  },
);

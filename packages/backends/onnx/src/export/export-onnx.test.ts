import '@tensorflow/tfjs-backend-cpu';
import {
  backboneSpecs,
  beit3,
  initializeParameters,
  memoryDirectory,
  preset,
  type Traceable,
} from '@imglish/core';
import * as tf from '@tensorflow/tfjs-core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { beforeAll, expect, it } from 'vitest';
import { exportOnnx } from './export-onnx.js';

beforeAll(() => tf.setBackend('cpu'));

it.each(['float32', 'float16', 'int8'] as const)('tiny %s', async (precision) => {
  const config = preset('tiny');
  const parameters = initializeParameters(backboneSpecs(config), 1);
  const f: Traceable = ({ pixel_values, input_ids, attention_mask }, p) => ({
    y: beit3(p, config, {
      image: { pixels: pixel_values as tf.Tensor4D },
      textIds: input_ids as tf.Tensor2D,
      paddingMask: tf.sub(1, tf.cast(attention_mask!, 'float32')) as tf.Tensor2D,
    }).sequence,
  });
  const dir = memoryDirectory();
  const r = await exportOnnx(
    f,
    {
      pixel_values: { shape: [2, 3, 32, 32], dtype: 'float32' },
      input_ids: { shape: [2, 5], dtype: 'int32' },
      attention_mask: { shape: [2, 5], dtype: 'int32' },
    },
    dir,
    {
      name: 'm',
      parameters,
      precision,
      freeSizes: {
        pixel_values: { 0: 'batch' },
        input_ids: { 0: 'batch', 1: 'text' },
        attention_mask: { 0: 'batch', 1: 'text' },
      },
    },
  );
  console.log(JSON.stringify(r));
  const src = await dir.open('m.onnx');
  const bytes = await src.read(0, src.size);
  (await import('node:fs')).writeFileSync(`/tmp/m_${precision}.onnx`, bytes);
  const s = await InferenceSession.create(bytes.slice(), {
    intraOpNumThreads: 1,
    optimizedModelFilePath: `/tmp/m_${precision}_opt.onnx`,
  });
  const px = tf.randomNormal([3, 3, 32, 32], 0, 1, 'float32', 5),
    ids = tf.randomUniform([3, 7], 0, 2000, 'int32', 7);
  const mask = tf.tensor2d(
    [1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0],
    [3, 7],
    'int32',
  );
  const want = (
    f({ pixel_values: px, input_ids: ids, attention_mask: mask }, parameters).y as tf.Tensor
  ).dataSync();
  const out = await s.run({
    pixel_values: new Tensor('float32', px.dataSync() as Float32Array, px.shape),
    input_ids: new Tensor('int32', ids.dataSync() as Int32Array, ids.shape),
    attention_mask: new Tensor('int32', mask.dataSync() as Int32Array, mask.shape),
  });
  const got = out.y!.data as Float32Array;
  let dot = 0,
    a = 0,
    b = 0,
    worst = 0;
  for (let i = 0; i < got.length; i++) {
    dot += got[i]! * want[i]!;
    a += got[i]! ** 2;
    b += want[i]! ** 2;
    worst = Math.max(worst, Math.abs(got[i]! - want[i]!));
  }
  console.log(
    precision,
    'cos',
    dot / Math.sqrt(a * b),
    'worst',
    worst,
    'rms',
    Math.sqrt(b / got.length),
  );
  expect(out.y!.dims).toEqual([3, 24, 128]);
});

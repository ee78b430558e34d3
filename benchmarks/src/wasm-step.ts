import { wasm } from '@imglish/backend-wasm/node';
import {
  backboneSpecs,
  beit3,
  initializeParameters,
  ops,
  preset,
  valueAndGradients,
} from '@imglish/core';
import '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { median, type Result } from './compare.js';

const BATCH = 32;
const WORDS = 20;
const STEPS = 5;

/**
 * Loss and gradients of the preset `tiny` (2.0 M parameters) on 32 pairs of an image (17 tokens) and a
 * text (20), all words predicted: tfjs-wasm as it comes against @imglish/backend-wasm.
 */
export async function wasmStep(): Promise<Result[]> {
  await tf.setBackend('wasm');
  const step = makeStep();
  addSegmentSum();
  const theirs = await timed(step);
  tf.unregisterKernel('UnsortedSegmentSum', 'wasm');
  await wasm(); // takes the running backend over and adds its kernels
  const ours = await timed(step);
  if (Math.abs(ours.loss - theirs.loss) > 1e-3) {
    throw new Error(`the losses differ: ${ours.loss}, ${theirs.loss}`);
  }
  return [
    {
      name: `loss and gradients, tiny, batch ${BATCH}`,
      peer: 'tfjs-wasm with a JavaScript UnsortedSegmentSum',
      ours: ours.ms,
      theirs: theirs.ms,
      ratio: theirs.ms / ours.ms,
    },
  ];
}

function makeStep(): () => number {
  const config = preset('tiny');
  const parameters = initializeParameters(backboneSpecs(config), 1);
  const fill = (size: number, at: (i: number) => number) =>
    Array.from({ length: size }, (_, i) => at(i));
  const pixels = tf.tensor4d(
    fill(BATCH * 3 * 32 * 32, (i) => Math.sin(i)),
    [BATCH, 3, 32, 32],
  );
  const words = BATCH * WORDS;
  const textIds = tf.tensor2d(
    fill(words, (i) => (i * 37) % config.vocabularySize),
    [BATCH, WORDS],
    'int32',
  );
  const labels = tf.tensor1d(
    fill(words, (i) => (i * 31) % config.vocabularySize),
    'int32',
  );
  const weights = tf.ones([words]) as tf.Tensor1D;
  return () => {
    const { loss, gradients } = valueAndGradients((p) => {
      const { text } = beit3(p, config, { image: { pixels }, textIds });
      const embedding = p['beit3.text_embed.weight']!;
      const logits = ops.linear(tf.reshape(text!, [words, -1]), embedding) as tf.Tensor2D;
      return { loss: ops.maskedCrossEntropy(logits, labels, weights) };
    }, parameters);
    const value = loss.dataSync()[0]!;
    tf.dispose([loss, ...Object.values(gradients)]);
    return value;
  };
}

async function timed(step: () => number): Promise<{ ms: number; loss: number }> {
  const loss = step();
  step();
  const times = Array.from({ length: STEPS }, () => {
    const start = process.cpuUsage();
    step();
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  });
  return { ms: median(times), loss };
}

/** The kernel that tfjs-wasm lacks for the gradient of a look-up. */
function addSegmentSum(): void {
  tf.registerKernel({
    kernelName: 'UnsortedSegmentSum',
    backendName: 'wasm',
    kernelFunc: ({ inputs, backend, attrs }) => {
      const { x, segmentIds } = inputs as Record<string, tf.TensorInfo>;
      const rows = (attrs as { numSegments: number }).numSegments;
      const width = x!.shape[1]!;
      const wasmBackend = backend as tf.KernelBackend & {
        makeOutput(shape: number[], dtype: string): tf.TensorInfo;
        typedArrayFromHeap(info: tf.TensorInfo): Float32Array;
      };
      const out = wasmBackend.makeOutput([rows, width], 'float32');
      const [sums, values, ids] = [out, x!, segmentIds!].map((info) =>
        wasmBackend.typedArrayFromHeap(info),
      ) as [Float32Array, Float32Array, Float32Array];
      sums.fill(0);
      ids.forEach((id, i) => {
        for (let j = 0; j < width; j++) sums[id * width + j]! += values[i * width + j]!;
      });
      return out;
    },
  });
}

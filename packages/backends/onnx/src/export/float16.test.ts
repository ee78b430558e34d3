import '@tensorflow/tfjs-backend-cpu';
import { setBackend } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { cases } from '../../test/cases/index.js';
import { type Given, oneNode, withModel } from '../../test/one-node.js';
import { lowerToProto } from '../lower/lower.js';
import { writeModel } from '../lower/proto.js';
import { withWeights } from './export-graph.js';
import { toFloat16Graph } from './float16.js';

beforeAll(() => setBackend('cpu'));

const N = 3;
const first = [...new Map([...cases].reverse().map((each) => [each.kernel, each])).values()];

// Values are compared where whole functions are exported; here, that ONNX Runtime takes the types of
// every operator that kernels emit, and gives the types and shapes of the float32 model.
describe('the float16 model of a kernel is valid, and has its inputs and outputs:', () => {
  it.each(first)('$kernel', async ({ kernel, call }) => {
    const { proto, ...model } = lowerToProto(oneNode(kernel, call), {});
    const size: Given = { shape: [N], dtype: 'float32', values: Array(N).fill(0) };
    const feeds = [...Object.values(call(N).inputs), size];
    const describedBy = (bytes: Uint8Array) =>
      withModel({ ...model, bytes }, async (run) =>
        (await run(feeds)).map(({ shape, dtype }) => ({ shape, dtype })),
      );
    const half = toFloat16Graph(withWeights(proto, {}));
    expect(await describedBy(writeModel(half))).toEqual(await describedBy(writeModel(proto)));
  });
});

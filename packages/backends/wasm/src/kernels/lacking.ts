import type { DataType } from '@tensorflow/tfjs-core';
import { size } from '../heap.js';
import type { Kernels } from './kernel.js';

/** Kernels of tfjs that its WebAssembly backend lacks or gets wrong, as far as training needs them. */
export const lacking: Kernels = {
  /** out[s] = Σ of the rows x[i] with segmentIds[i] = s; ids outside are left out. The gradient of `gather`. */
  UnsortedSegmentSum: (heap, { x, segmentIds }, { numSegments }) => {
    const width = size(x!.shape.slice(1));
    const count = x!.shape[0]!;
    const out = heap.output([numSegments!, ...x!.shape.slice(1)], x!.dtype);
    if (x!.dtype === 'float32') {
      const at = [heap.at(x!), heap.at(segmentIds!), heap.at(out)];
      heap.functions.scatterAdd!(...at, count, numSegments!, width);
      return out;
    }
    const [values, ids, sums] = [heap.view(x!), heap.view(segmentIds!), heap.view(out).fill(0)];
    for (let i = 0; i < count; i++) {
      const id = ids[i]!;
      if (id < 0 || id >= numSegments!) continue;
      for (let j = 0; j < width; j++) sums[id * width + j]! += values[i * width + j]!;
    }
    return out;
  },

  /** tfjs's own writes integers, whatever type is asked for: as float32 they read as denormals. */
  OneHot: (heap, { indices }, { depth, onValue, offValue, dtype }) => {
    const out = heap.output([...indices!.shape, depth!], (dtype ?? 'int32') as DataType);
    const view = heap.view(out);
    view.fill(offValue!);
    heap.view(indices!).forEach((index, i) => {
      if (index >= 0 && index < depth!) view[i * depth! + index] = onValue!;
    });
    return out;
  },
};

import { addNKernels } from './add-n.js';
import { orderKernels } from './after.js';
import { attentionKernels } from './attention.js';
import { batchNormKernels } from './batch-norm.js';
import { binaryKernels } from './binary.js';
import { convolutionKernels } from './convolution.js';
import { creationKernels } from './creation.js';
import { crossEntropyKernels } from './cross-entropy.js';
import { geluKernels } from './gelu.js';
import { indexingKernels } from './indexing.js';
import type { Kernel } from './kernel.js';
import { layerNormKernels } from './layer-norm.js';
import { linearKernels } from './linear.js';
import { optimizerKernels } from './optimizer.js';
import { poolingKernels } from './pooling.js';
import { productKernels } from './product.js';
import { reductionKernels } from './reduction.js';
import { resizeKernels } from './resize.js';
import { shapingKernels } from './shaping.js';
import { softmaxKernels } from './softmax.js';
import { unaryKernels } from './unary.js';

/** Every kernel that can be traced and lowered, by the name that tfjs calls it. */
export const kernels: ReadonlyMap<string, Kernel> = new Map(
  [
    unaryKernels,
    binaryKernels,
    addNKernels,
    reductionKernels,
    shapingKernels,
    indexingKernels,
    creationKernels,
    productKernels,
    softmaxKernels,
    convolutionKernels,
    poolingKernels,
    resizeKernels,
    linearKernels,
    layerNormKernels,
    batchNormKernels,
    geluKernels,
    attentionKernels,
    crossEntropyKernels,
    optimizerKernels,
    orderKernels,
  ]
    .flat()
    .map((kernel) => [kernel.name, kernel]),
);

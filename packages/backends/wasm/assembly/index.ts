export { adamw } from './adamw';
export { attention, attentionGrad } from './attention';
export { gelu, geluGrad, geluWork } from './gelu';
export { gemm, gemmWork } from './gemm';
export { layerNorm, layerNormGrad } from './layer-norm';
export { copyRows, gatherRows, permute, transposeEach } from './moves';
export { columnSums, scatterAdd } from './rows';
export { crossEntropyGrad, maxAndSumExp } from './softmax';

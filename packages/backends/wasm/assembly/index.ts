export { adamw } from './adamw';
export { attention, attentionGrad } from './attention';
export { gelu, geluGrad } from './gelu';
export { fillRows, gemm, gemmWork } from './gemm';
export { layerNorm, layerNormGrad } from './layer-norm';
export { columnSums, scatterAdd } from './rows';
export { crossEntropyGrad, maxAndSumExp } from './softmax';

/** Kernels that change the shape only, or not even that: their output may be their input's memory. */
export const VIEWS: ReadonlySet<string> = new Set(['Reshape', 'ExpandDims', 'Identity']);

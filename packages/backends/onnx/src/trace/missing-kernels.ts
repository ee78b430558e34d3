import { engine } from '@imglish/core';
import { getKernel } from '@tensorflow/tfjs-core';
import { TRACE_BACKEND } from './recorder.js';

/**
 * All kernels that a run of `f` calls and that cannot be recorded, found out by running it once for
 * real: on `cpu` where that is, else on the current backend.
 */
export async function missingKernels(f: () => void): Promise<string[]> {
  const before = engine().backendName;
  const name = engine().registryFactory.cpu ? 'cpu' : before;
  try {
    await engine().setBackend(name);
    const { kernelNames } = await engine().profile(() => {
      engine().tidy(f);
      return [] as never;
    });
    return kernelNames.filter((kernel) => !getKernel(kernel, TRACE_BACKEND)).sort();
  } finally {
    // tfjs would go on for ever when `f` throws.
    engine().state.profiling = false;
    await engine().setBackend(before);
  }
}

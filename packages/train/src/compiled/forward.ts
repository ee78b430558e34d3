import type { Compiled, HostTensorMap } from '@imglish/core';
import type { IndexedBatch } from '../loop/batches.js';
import type { Batch } from '../loop/contracts.js';
import type { ForwardStepper } from '../loop/exchange.js';
import { readBatch } from './batch-inputs.js';
import { compileFor, FunctionCache } from './functions.js';
import { parameterViews, type UpdateContext } from './update.js';

/** Signatures whose functions are kept. */
const SIGNATURES = 4;

/** Runs a function of parameters, where they are, and a batch; it is always the same function. */
export function forwardPass<B extends Batch>({
  compiler,
  layout,
  regions,
}: UpdateContext<B>): {
  run: ForwardStepper<B>['forward'];
  dispose(): Promise<void>;
} {
  const cache = new FunctionCache<Compiled>(SIGNATURES);
  const parameters = parameterViews(regions, layout);
  return {
    async run(f, indexed: IndexedBatch<B>): Promise<HostTensorMap> {
      const batch = await readBatch(indexed);
      const inputs = { ...parameters, ...batch.inputs };
      const compiled = await cache.get(batch.signature, () =>
        compileFor(compiler, 'train forward', inputs, {}, (given) => {
          const names = [...layout.slots.keys()];
          const current = names.map((name) => [name, given[`parameter.${name}`]!] as const);
          return f(Object.fromEntries(current), batch.withTensors(given));
        }),
      );
      return compiled.run(inputs);
    },
    dispose: () => cache.dispose(),
  };
}

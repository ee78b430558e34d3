import type { Batch } from '../loop/contracts.js';
import { globalNorm } from '../optimizer/clip.js';
import { gradientViews, inPlaceOf, stateViews, updateScalars } from './block-inputs.js';
import type { RunInputs } from './functions.js';
import type { Block } from './layout.js';
import { LossFunctions } from './loss-functions.js';
import { flatGradients, recordUpdate } from './recorded.js';
import { addSums, parameterViews, type Update, type UpdateContext } from './update.js';

/** Gradients, their norm, clipping and AdamW in one call: for one micro-batch and one rank. */
export function fusedUpdate<B extends Batch>(context: UpdateContext<B>): Update<B> {
  const { settings, compiler, layout, regions, hyperparameters } = context;
  const { loss, weights, maxGradientNorm } = settings;
  const parameters = parameterViews(regions, layout);
  let lr = 0;
  const inputsOf = (blocks: readonly Block[]): RunInputs => ({
    ...stateViews(regions, blocks),
    ...updateScalars(regions, blocks, { ...hyperparameters, lr, maxGradientNorm }),
  });
  const functions = new LossFunctions<B>(compiler, layout, {
    name: 'train step',
    updates: (name) => regions.updates.get(name) ?? 0,
    inputs: inputsOf,
    inPlace: (blocks) => inPlaceOf(stateViews(regions, blocks), blocks),
    outputs: (blocks, { sums, gradients }, inputs) => {
      if (blocks.length === 0) return sums;
      const flat = flatGradients(blocks, gradients);
      const norm = globalNorm(gradients);
      const earlier = Object.values(sums);
      const gradientOutputs = flat.map((gradient, k) => [`g.${k}`, gradient] as const);
      return {
        ...sums,
        norm,
        ...Object.fromEntries(gradientOutputs),
        ...recordUpdate(flat, norm, earlier, hyperparameters, inputs),
      };
    },
  });
  return {
    async run(part) {
      const [{ read, counts, context }] = part.batches as [(typeof part.batches)[0]];
      lr = part.lr;
      const batch = await read();
      const inputs = { ...parameters, ...batch.inputs, ...part.scales };
      const toRecord = { loss, batch, context, counts, weights };
      const { compiled, blocks, reached } = await functions.get(toRecord, inputs);
      const sums: Record<string, number> = {};
      if (reached.size === 0) return { sums, gradientNorm: 0, parameterSum: 0, reached };
      const into = { ...stateViews(regions, blocks), ...gradientViews(regions, blocks) };
      const outputs = await compiled.run({ ...inputs, ...inputsOf(blocks) }, { into });
      addSums(sums, outputs);
      return {
        sums,
        gradientNorm: outputs.norm!.data[0]!,
        parameterSum: outputs.total!.data[0]!,
        reached,
      };
    },
    dispose: () => functions.dispose(),
  };
}

import type { Compiled } from '@imglish/core';
import { add, mul } from '@tensorflow/tfjs-core';
import { allReduceValues } from '../communicator/values.js';
import type { Batch } from '../loop/contracts.js';
import { globalNorm } from '../optimizer/clip.js';
import { gradientViews, inPlaceOf, stateViews, updateScalars } from './block-inputs.js';
import { compileFor, FunctionCache, hostScalar, type RunInputs } from './functions.js';
import { type Block, blocksOf } from './layout.js';
import { LossFunctions } from './loss-functions.js';
import { flatGradients, recordUpdate } from './recorded.js';
import {
  addSums,
  parameterViews,
  type StepPart,
  type Update,
  type UpdateContext,
} from './update.js';

/** Ways to form blocks whose update is kept compiled. */
const UPDATES = 16;

/**
 * Gradients of every micro-batch are added up where they are, then over the ranks on the host; then
 * comes the update.
 */
export function accumulatedUpdate<B extends Batch>(context: UpdateContext<B>): Update<B> {
  const { settings, layout, regions } = context;
  const { slots } = layout;
  const gradients = accumulator(context);
  const update = updateOfBlocks(context);
  return {
    async run(part) {
      const { sums, holds } = await gradients.run(part);
      const reached = new Set(
        await allReduceValues(settings.communicator, {
          sizes: Object.fromEntries([...slots].map(([name, { size }]) => [name, size])),
          has: (name) => holds.has(name),
          read: (name) => regions.gradients.read(slots.get(name)!.offset, slots.get(name)!.size),
          write: (name, values) => regions.gradients.write(values, slots.get(name)!.offset),
        }),
      );
      if (reached.size === 0) return { sums, gradientNorm: 0, parameterSum: 0, reached };
      return { sums, reached, ...(await update.run(reached, part.lr)) };
    },
    async dispose() {
      await gradients.dispose();
      await update.dispose();
    },
  };
}

/** Adds up the gradients of micro-batches in the region of gradients. */
function accumulator<B extends Batch>({ settings, compiler, layout, regions }: UpdateContext<B>) {
  const { loss, weights } = settings;
  const parameters = parameterViews(regions, layout);
  const functions = new LossFunctions<B>(compiler, layout, {
    name: 'train gradients',
    updates: () => 0,
    inputs: (blocks) => gradientViews(regions, blocks),
    inPlace: (blocks) => inPlaceOf(gradientViews(regions, blocks)),
    outputs: (blocks, { sums, gradients }, inputs) => {
      const added = flatGradients(blocks, gradients).map((gradient, k) => {
        return [`g.${k}`, add(mul(inputs[`g.${k}`]!, inputs.keep!), gradient)] as const;
      });
      return { ...sums, ...Object.fromEntries(added) };
    },
  });

  /** A parameter that only a later micro-batch reaches still has the gradient of an earlier step. */
  const clear = async (names: Iterable<string>): Promise<void> => {
    for (const name of names) {
      const { offset, size } = layout.slots.get(name)!;
      await regions.gradients.write(new Float32Array(size), offset);
    }
  };

  return {
    async run(part: StepPart<B>) {
      const sums: Record<string, number> = {};
      const holds = new Set<string>();
      for (const { read, counts, context } of part.batches) {
        const batch = await read();
        const keep = hostScalar(holds.size === 0 ? 0 : 1);
        const inputs = { ...parameters, ...batch.inputs, ...part.scales, keep };
        const toRecord = { loss, batch, context, counts, weights };
        const { compiled, blocks, reached } = await functions.get(toRecord, inputs);
        if (holds.size > 0) await clear([...reached].filter((name) => !holds.has(name)));
        const into = gradientViews(regions, blocks);
        addSums(sums, await compiled.run({ ...inputs, ...into }, { into }));
        for (const name of reached) holds.add(name);
      }
      return { sums, holds };
    },
    dispose: () => functions.dispose(),
  };
}

/** The update of parameters whose gradients are in their region. */
function updateOfBlocks<B extends Batch>({
  settings,
  compiler,
  layout,
  regions,
  hyperparameters,
}: UpdateContext<B>) {
  const { maxGradientNorm } = settings;
  const cache = new FunctionCache<Compiled>(UPDATES);

  // Each gradient in its shape as well: the norm is summed by rows.
  const inputsOf = (blocks: readonly Block[], lr: number): RunInputs => ({
    ...shapedGradients(blocks),
    ...gradientViews(regions, blocks),
    ...updateScalars(regions, blocks, { ...hyperparameters, lr, maxGradientNorm }),
  });
  const shapedGradients = (blocks: readonly Block[]): RunInputs => {
    const names = new Set(blocks.flatMap((block) => block.names));
    const slots = [...layout.slots.values()].filter(({ name }) => names.has(name));
    const views = slots.map(({ name, offset, shape }) => {
      return [`gradient.${name}`, regions.gradients.view(offset, shape)] as const;
    });
    return Object.fromEntries(views);
  };
  const compile = (blocks: readonly Block[], inputs: RunInputs): Promise<Compiled> => {
    const views = stateViews(regions, blocks);
    const all = { ...inputs, ...views };
    return compileFor(compiler, 'train update', all, inPlaceOf(views), (given) => {
      const flat = blocks.map((_, k) => given[`g.${k}`]!);
      const shaped = Object.entries(given).filter(([name]) => name.startsWith('gradient.'));
      const norm = globalNorm(Object.fromEntries(shaped));
      return { norm, ...recordUpdate(flat, norm, [], hyperparameters, given) };
    });
  };

  return {
    async run(reached: ReadonlySet<string>, lr: number) {
      const blocks = blocksOf(layout, reached, (name) => regions.updates.get(name) ?? 0);
      const inputs = inputsOf(blocks, lr);
      const key = blocks.map(({ offset, length }) => `${offset}+${length}`).join();
      const compiled = await cache.get(key, () => compile(blocks, inputs));
      const into = stateViews(regions, blocks);
      const { norm, total } = await compiled.run({ ...inputs, ...into }, { into });
      return { gradientNorm: norm!.data[0]!, parameterSum: total!.data[0]! };
    },
    dispose: () => cache.dispose(),
  };
}

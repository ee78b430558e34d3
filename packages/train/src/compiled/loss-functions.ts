import type { Compiled, Compiler, TensorMap } from '@imglish/core';
import type { Batch } from '../loop/contracts.js';
import { compileFor, FunctionCache, type InPlace, type RunInputs, unsteady } from './functions.js';
import { type Block, blocksHold, blocksOf, type Layout } from './layout.js';
import { type LossToRecord, type RecordedGradients, recordGradients } from './recorded.js';

/** What a compiled loss is used for: its gradients alone, or the update too. */
export interface LossUse {
  readonly name: string;
  /** Inputs that depend on the blocks. */
  inputs(blocks: readonly Block[]): RunInputs;
  inPlace(blocks: readonly Block[]): InPlace;
  /** What is made of the gradients, which are those of the parameters in the blocks. */
  outputs(blocks: readonly Block[], recorded: RecordedGradients, inputs: TensorMap): TensorMap;
  /** Updates of a parameter, where those of a block must be equal. */
  updates(name: string): number;
}

export interface LossFunction {
  readonly compiled: Compiled;
  readonly blocks: readonly Block[];
  /** Parameters that the loss reaches. */
  readonly reached: ReadonlySet<string>;
  dispose(): Promise<void>;
}

/** Signatures whose functions are kept. */
const SIGNATURES = 16;

/** Compiled functions of a loss, one for each signature of a batch. */
export class LossFunctions<B extends Batch> {
  private readonly bySignature: FunctionCache<LossFunction> = new FunctionCache(SIGNATURES);
  /** What the latest loss reached, where the next one is likely to reach the same. */
  private likely: ReadonlySet<string>;

  constructor(
    private readonly compiler: Compiler,
    private readonly layout: Layout,
    private readonly use: LossUse,
  ) {
    const slots = [...layout.slots.values()];
    this.likely = new Set(
      slots.filter(({ offset }) => offset < layout.trained).map(({ name }) => name),
    );
  }

  /** The function for a batch; `inputs` are those that do not depend on the blocks. */
  async get(loss: LossToRecord<B>, inputs: RunInputs): Promise<LossFunction> {
    const scales = Object.keys(inputs).filter((name) => name.startsWith('scale.'));
    const key = `${scales}\n${loss.batch.signature}`;
    const found = await this.bySignature.get(
      key,
      (before) => this.compile(loss, inputs, before?.reached ?? this.likely),
      ({ blocks }) => blocksHold(blocks, (name) => this.use.updates(name)),
    );
    this.likely = found.reached;
    return found;
  }

  dispose(): Promise<void> {
    return this.bySignature.dispose();
  }

  /**
   * Which parameters the loss reaches is known only once it has been recorded, but inputs and
   * outputs depend on it: where the guess was wrong, the recording is broken off and begun again.
   */
  private async compile(
    loss: LossToRecord<B>,
    inputs: RunInputs,
    guess: ReadonlySet<string>,
  ): Promise<LossFunction> {
    const { compiler, layout, use } = this;
    let reached = guess;
    for (let recording = 1; ; recording++) {
      const blocks = blocksOf(layout, reached, (name) => use.updates(name));
      let found: ReadonlySet<string> | undefined;
      const f = (given: TensorMap): TensorMap => {
        const recorded = recordGradients(loss, layout.slots.keys(), given);
        const names = new Set(Object.keys(recorded.gradients));
        if (names.size !== reached.size || [...names].some((name) => !reached.has(name))) {
          found = names;
          throw unsteady();
        }
        return use.outputs(blocks, recorded, given);
      };
      try {
        const all = { ...inputs, ...use.inputs(blocks) };
        const compiled = await compileFor(compiler, use.name, all, use.inPlace(blocks), f);
        return { compiled, blocks, reached, dispose: () => compiled.dispose() };
      } catch (error) {
        if (!found || recording > 1) throw error;
        reached = found;
      }
    }
  }
}

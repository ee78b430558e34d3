import { BackendError, type TensorSpec, type Traceable } from '@imglish/core';
import type { Graph } from '../graph/graph.js';
import { type SizeValues, subsets } from '../graph/size.js';
import { type TraceOptions, trace } from '../trace/trace.js';
import { assertHolds, generalise } from './generalise.js';

/** Free sizes by input and axis, as in core's `CompileOptions`. */
export type FreeSizes = Readonly<Record<string, Readonly<Record<number, string>>>>;

/**
 * Traces `f` at two values of every free size, generalises, and traces once more at a third to check.
 *
 * @throws BackendError what `trace` throws; `backend/not-general`; `backend/free-sizes` for a name or
 * axis that the inputs do not have.
 */
export async function generalTrace(
  f: Traceable,
  inputs: Readonly<Record<string, TensorSpec>>,
  freeSizes: FreeSizes,
  options: TraceOptions = {},
): Promise<Graph> {
  const examples = exampleSizes(inputs, freeSizes);
  const symbols = Object.keys(examples).sort();
  if (symbols.length === 0) return trace(f, inputs, options);
  const [low, high, third] = probes(examples);
  const at = async (sizes: SizeValues): Promise<Graph> => {
    try {
      return await trace(f, withSizes(inputs, freeSizes, sizes), options);
    } catch (cause) {
      const code = (cause as { code?: string }).code ?? '';
      if (/^backend\/(?!not-general)/.test(code)) throw cause;
      throw new BackendError({
        code: 'backend/not-general',
        where: 'compile',
        expected: 'a function that works at every size',
        got: `${(cause as Error).message} at ${JSON.stringify(sizes)}`,
        fix: 'Leave the size out of freeSizes, or give an example with sizes it works at.',
        cause,
      });
    }
  };
  const traces = new Map<string, Graph>();
  for (const corner of subsets(symbols)) {
    const sizes = Object.fromEntries(
      symbols.map((symbol) => [symbol, (corner.includes(symbol) ? high : low)[symbol]!]),
    );
    traces.set(corner.join(), await at(sizes));
  }
  const general = generalise({ low, high, at: (corner) => traces.get(corner.join())! });
  assertHolds(general, await at(third), third);
  return general;
}

/** The example's value of every free size. */
function exampleSizes(
  inputs: Readonly<Record<string, TensorSpec>>,
  freeSizes: FreeSizes,
): SizeValues {
  const sizes: Record<string, number> = {};
  for (const [input, axes] of Object.entries(freeSizes)) {
    for (const [axis, symbol] of Object.entries(axes)) {
      const size = inputs[input]?.shape[Number(axis)];
      if (size === undefined || (sizes[symbol] ?? size) !== size) {
        throw new BackendError({
          code: 'backend/free-sizes',
          where: 'compile',
          expected: `${symbol} to be the size of axis ${axis} of the input ${input}${sizes[symbol] === undefined ? '' : `, ${sizes[symbol]} as elsewhere`}`,
          got: inputs[input]
            ? `[${inputs[input].shape}]`
            : `inputs ${Object.keys(inputs).join(', ')}`,
        });
      }
      sizes[symbol] = size;
    }
  }
  return sizes;
}

/**
 * Three values of each size, near the example's: at 1 a size would look like one to broadcast, so
 * they begin at 2; two sizes never take equal values in the same trace by the same rule.
 */
function probes(examples: SizeValues): [SizeValues, SizeValues, SizeValues] {
  const symbols = Object.keys(examples).sort();
  const value = (step: number) =>
    Object.fromEntries(
      symbols.map((symbol) => {
        const largest = Math.max(examples[symbol]!, 4);
        return [symbol, largest - step];
      }),
    );
  return [value(2), value(1), value(0)];
}

function withSizes(
  inputs: Readonly<Record<string, TensorSpec>>,
  freeSizes: FreeSizes,
  sizes: SizeValues,
): Record<string, TensorSpec> {
  return Object.fromEntries(
    Object.entries(inputs).map(([name, { shape, dtype }]) => [
      name,
      {
        dtype,
        shape: shape.map((size, axis) => {
          const symbol = freeSizes[name]?.[axis];
          return symbol === undefined ? size : sizes[symbol]!;
        }),
      },
    ]),
  );
}

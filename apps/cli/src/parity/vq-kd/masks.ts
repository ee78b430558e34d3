import { blockMask } from '@imglish/pretrain';
import type { FixtureSet } from '../fixture-set.js';
import type { Report } from '../report.js';
import type { Suite } from '../suite.js';

const JSON_PATH = 'masks/masks.json';
const TENSORS = 'masks/masks.safetensors';

type Draw =
  | ['uniform' | 'randint', number, number, number]
  | ['choice', number[], number, number[]];

interface MaskCase {
  arguments: {
    input_size: number | [number, number];
    num_masking_patches: number;
    min_num_patches?: number;
  };
  masks: string[][];
  draws: Draw[][];
}

/** Block-wise masks from the recorded draws. */
export const masks: Suite = {
  name: 'masks',
  covers: (path) => path === JSON_PATH || path === TENSORS,
  async run(set: FixtureSet, report: Report) {
    const json = await set.json<Record<string, MaskCase | string>>(JSON_PATH);
    const tensors = await set.tensors(TENSORS);
    for (const [name, given] of Object.entries(json)) {
      if (typeof given === 'string') continue;
      const {
        input_size: size,
        num_masking_patches: count,
        min_num_patches: least,
      } = given.arguments;
      const grid: [number, number] = typeof size === 'number' ? [size, size] : size;
      const patches = grid[0] * grid[1];
      given.masks.forEach((rows, i) => {
        const random = replay(given.draws[i]!);
        const mask = blockMask(grid, count, random, { minBlock: least ?? 4 });
        report.equal(JSON_PATH, `${name} ${i}`, [...mask].join(''), rows.join(''));
        const stored = tensors[`${name}.masks`]!.values.subarray(i * patches, (i + 1) * patches);
        report.equal(TENSORS, `${name} ${i}`, [...mask], [...stored]);
        report.equal(JSON_PATH, `${name} ${i} draws left`, random.left(), 0);
      });
    }
  },
};

/** Gives the numbers that the reference drew. */
function replay(draws: readonly Draw[]) {
  let at = 0;
  const next = (): number[] => (draws[at++] as Draw | undefined)?.slice(1) as number[];
  return {
    uniform(): number {
      const [low, high, value] = next() as [number, number, number];
      return high === low ? 0 : (value - low) / (high - low);
    },
    integer: (): number => next()[2]!,
    left: () => draws.length - at,
  };
}

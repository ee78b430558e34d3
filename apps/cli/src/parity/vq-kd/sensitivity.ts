import { floats } from '../fixture-set.js';
import { maxDifference } from '../report.js';
import type { Suite } from '../suite.js';
import { configOf, patchesOf, settingsOf, shaped } from './set.js';
import { FORWARD, forwardOf } from './tokenizer.js';

const PATH = 'sensitivity.json';

/** What one typical mistake changes: the largest difference of each output. */
type Changes = Record<string, number>;

/** How much nearer to the reference than any mistake would leave us. */
const MARGIN = 10;

/**
 * None of the mistakes that are listed has been made: where one would change an output by more than
 * rounding does, ours is nearer to the reference by an order of magnitude.
 */
export const sensitivity: Suite = {
  name: 'typical mistakes',
  covers: (path) => path === PATH,
  async run(set, report, engine) {
    if (!set.has(PATH)) return;
    const config = configOf(await settingsOf(set));
    const json = await set.json<{
      mistakes: Record<string, Changes>;
      noise_floor_fp32_vs_fp64: Changes;
    }>(PATH);
    const file = await set.tensors(FORWARD);
    const outputs = await forwardOf(set, engine, config, {
      patches: patchesOf(file['in.image']!, config.patchSize),
      target: floats(file['out.teacher_target']!),
    });
    const off = (name: string): number => {
      const expected = file[`out.${name}`]!;
      return maxDifference(shaped(outputs[name]!, expected.shape).values, expected.values);
    };
    for (const [mistake, changes] of Object.entries(json.mistakes)) {
      for (const [name, change] of Object.entries(changes)) {
        const noise = json.noise_floor_fp32_vs_fp64[name];
        if (noise === undefined || change < MARGIN * MARGIN * noise) continue;
        const ours = off(name);
        const detail = `off by ${ours.toExponential(1)}, the mistake ${change.toExponential(1)}`;
        report.check(PATH, `${mistake}: ${name}`, ours * MARGIN < change, detail);
      }
    }
  },
};

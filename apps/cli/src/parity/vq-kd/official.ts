import { type VqKdPresetName, vqKdPreset, vqKdSpecs } from '@imglish/tokenizers';
import type { Report } from '../report.js';
import type { Suite } from '../suite.js';

const PATH = 'official_state_dicts.json';

interface Model {
  tensors: number;
  shapes?: Record<string, number[]>;
  parameters_trainable?: number;
  difference_to_3x768x12_clip?: { missing: string[]; other_shape: Record<string, number[]> };
}

const WHOLE = 'vqkd_encoder_base_decoder_3x768x12_clip';

/** The official tokenizers by name and shape, read off the presets. */
export const vqKdOfficialNames: Suite = {
  name: 'official names and shapes',
  covers: (path) => path === PATH,
  async run(set, report) {
    const { models } = await set.json<{ models: Record<string, Model> }>(PATH);
    for (const [name, model] of Object.entries(models)) {
      if (name.startsWith('vqkd_')) check(report, name, model, models[WHOLE]!.shapes!);
    }
  },
};

function check(
  report: Report,
  name: string,
  { shapes, difference_to_3x768x12_clip: difference, parameters_trainable: trainable }: Model,
  whole: Record<string, number[]>,
): void {
  const [, layers, teacher] = /decoder_(\d)x768x12_(\w+)$/.exec(name)!;
  const specs = vqKdSpecs(vqKdPreset(`base-decoder${layers}-${teacher}` as VqKdPresetName));
  const missing = (difference?.missing ?? []).map((pattern) => pattern.replace('*', ''));
  const all = Object.entries({ ...(shapes ?? whole), ...difference?.other_shape });
  const expected = all.filter(
    ([key]) =>
      !key.startsWith('scaling_layer.') && !missing.some((prefix) => key.startsWith(prefix)),
  );
  const actual = Object.entries(specs).map(([key, { shape }]) => [key, shape]);
  report.equal(PATH, `${name}, in order`, actual, expected);
  const learnt = actual.filter(([key]) => !String(key).startsWith('quantize.'));
  const count = learnt.reduce(
    (total, [, shape]) => total + (shape as number[]).reduce((product, n) => product * n, 1),
    0,
  );
  report.equal(PATH, `${name} parameters`, count, trainable);
}

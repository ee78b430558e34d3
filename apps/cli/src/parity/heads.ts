import { valueAndGradients } from '@imglish/core';
import { clipFactor, globalNorm } from '@imglish/train';
import { mul, type Scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { type FixtureFile, type FixtureSet, floats, parametersOf } from './fixture-set.js';
import { normOf, type Report } from './report.js';
import type { Suite } from './suite.js';
import { captioningInputs, type LossFixture, TASK_CASES, type TaskCase } from './task-cases.js';

/** The losses among a head's entries; the one of a float64 run only says how exact float32 is. */
const LOSS = /^loss(?!_fp64)/;

type LossesJson = Record<string, Record<string, unknown>>;

/** Every head's outputs, losses, gradients by logits and by parameters, and gradient norms. */
export const heads: Suite = {
  name: 'heads, losses, gradients',
  covers: (path) =>
    path === 'losses.json' ||
    TASK_CASES.some(({ head }) => [`heads/${head}`, `grads/${head}`].includes(stem(path))),
  async run(set, report) {
    const losses = await set.json<LossesJson>('losses.json');
    for (const task of TASK_CASES) {
      const parameters = parametersOf(await set.tensors(`weights/${task.head}.safetensors`));
      const file = await set.tensors(`heads/${task.head}.safetensors`);
      const fixture = { file, settings: losses[task.head]! };
      await checkOutputs(set, report, task, parameters, file);
      await checkLosses(set, report, task, parameters, fixture);
      await checkGradients(set, report, task, parameters, fixture);
      for (const tensor of Object.values(parameters)) tensor.dispose();
    }
  },
};

function stem(path: string): string {
  return path.replace(/\.safetensors$/, '');
}

async function checkOutputs(
  set: FixtureSet,
  report: Report,
  task: TaskCase,
  parameters: Record<string, Tensor>,
  file: FixtureFile,
): Promise<void> {
  const path = `heads/${task.head}.safetensors`;
  const config = set.config({ normalizeOutput: task.normalizeOutput });
  const outputs = tidy(() => {
    const compared = task.compared(task.forward(parameters, config, file));
    const everywhere = file['out.logits_all_positions'];
    if (everywhere) {
      const [batch, length] = everywhere.shape as [number, number];
      const slots = Array.from({ length: batch * length }, (_, i) => i);
      const inputs = captioningInputs(file, config, slots);
      compared['out.logits_all_positions'] = task.forwardInputs(parameters, config, inputs).logits!;
    }
    return compared;
  });
  for (const [name, expected] of Object.entries(file)) {
    if (!name.startsWith('out.')) continue;
    const tensor = outputs[name];
    if (!tensor) {
      report.check(path, name, false, 'not computed');
      continue;
    }
    const shape = tensor.size === expected.values.length ? expected.shape : tensor.shape;
    report.output(path, name, { shape, values: await tensor.data() }, expected);
    tensor.dispose();
  }
}

async function checkLosses(
  set: FixtureSet,
  report: Report,
  task: TaskCase,
  parameters: Record<string, Tensor>,
  fixture: LossFixture,
): Promise<void> {
  const { file, settings } = fixture;
  const config = set.config({ normalizeOutput: task.normalizeOutput });
  const names = Object.keys(settings).filter((name) => LOSS.test(name));
  for (const name of names) {
    const lossOf = task.lossNamed(name);
    if (!lossOf) {
      report.check('losses.json', `${task.head} ${name}`, false, 'not computed');
      continue;
    }
    const value = tidy(() => {
      const { sum, count } = lossOf(task.forward(parameters, config, file), config, fixture);
      return mul(sum, 1 / count).dataSync()[0]!;
    });
    report.loss('losses.json', `${task.head} ${name}`, value, settings[name] as number);
  }
  const path = `heads/${task.head}.safetensors`;
  for (const name of Object.keys(file).filter((key) => key.startsWith('dlogits.'))) {
    // `dlogits.x` belongs to `loss_x`, or to `loss_global_step_N_x`.
    const lossName = names.find((loss) => loss.endsWith(`_${name.slice('dlogits.'.length)}`));
    const lossOf = lossName && task.lossNamed(lossName);
    if (!lossOf) {
      report.check(path, name, false, 'no such loss in losses.json');
      continue;
    }
    const logits = floats(file['out.logits']!);
    const { loss, gradients } = valueAndGradients(
      (given) => {
        const { sum, count } = lossOf(given, config, fixture);
        return { loss: mul(sum, 1 / count) as Scalar };
      },
      { logits },
    );
    const gradient = gradients.logits!;
    const actual = { shape: gradient.shape, values: await gradient.data() };
    report.output(path, name, actual, file[name]!);
    for (const tensor of [loss, gradient, logits]) tensor.dispose();
  }
}

async function checkGradients(
  set: FixtureSet,
  report: Report,
  task: TaskCase,
  parameters: Record<string, Tensor>,
  fixture: LossFixture,
): Promise<void> {
  const { file, settings } = fixture;
  const path = `grads/${task.head}.safetensors`;
  const expected = await set.tensors(path);
  const config = set.config({ normalizeOutput: task.normalizeOutput });
  const { loss, gradients } = valueAndGradients((given) => {
    const outputs = task.forward(given, config, file);
    const { sum, count } = task.lossNamed('loss')!(outputs, config, fixture);
    return { loss: mul(sum, 1 / count) as Scalar };
  }, parameters);
  await compareGradients(report, path, gradients, expected);

  const without = Object.keys(parameters).filter((name) => !gradients[name]);
  report.equal(
    'losses.json',
    `${task.head} parameters without gradient`,
    without.sort(),
    (settings.params_without_grad as string[]).toSorted(),
  );
  const norm = tidy(() => globalNorm(gradients).dataSync()[0]!);
  report.loss(
    'losses.json',
    `${task.head} gradient norm`,
    norm,
    settings['grad_norm_utils.get_grad_norm_'] as number,
  );
  const clips = settings.clip_grad_norm_ as Record<string, { factor: number }>;
  for (const [max, { factor }] of Object.entries(clips)) {
    const ours = clipFactor(norm, Number(max));
    report.loss('losses.json', `${task.head} clipping factor at ${max}`, ours, factor);
  }
  for (const tensor of [loss, ...Object.values(gradients)]) tensor.dispose();
}

/**
 * ‖g − r‖ ≤ 1e-5 · max(‖r‖, 1e-3 · ‖all r‖), parameter by parameter; at least 1e-7, the rounding of
 * terms of size 1, for a loss that is constant (retrieval among one pair).
 */
async function compareGradients(
  report: Report,
  path: string,
  gradients: Record<string, Tensor>,
  expected: FixtureFile,
): Promise<void> {
  const all = normOf(Object.values(expected));
  for (const [name, { values, shape }] of Object.entries(expected)) {
    const gradient = gradients[name];
    if (!gradient || gradient.shape.join() !== shape.join()) {
      report.check(path, name, false, gradient ? `shape [${gradient.shape}]` : 'no gradient');
      continue;
    }
    const ours = await gradient.data();
    const difference = normOf([{ values: values.map((value, i) => ours[i]! - value) }]);
    const limit = 1e-5 * Math.max(normOf([{ values }]), 1e-3 * all, 1e-2);
    const detail = `‖g − r‖ ${difference.toExponential(1)} of ${limit.toExponential(1)}`;
    report.check(path, name, difference <= limit, detail);
  }
  for (const name of Object.keys(gradients)) {
    if (!expected[name]) report.check(path, name, false, 'a gradient the reference has not');
  }
}

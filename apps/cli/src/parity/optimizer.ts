import { valueAndGradients } from '@imglish/core';
import {
  type AdamWState,
  adamW,
  clipFactor,
  globalNorm,
  layerId,
  parameterGroups,
  warmupCosine,
  warmupLinear,
} from '@imglish/train';
import { mul, type Scalar, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { type FixtureFile, type FixtureSet, parametersOf } from './fixture-set.js';
import { normOf, type Report } from './report.js';
import type { Suite } from './suite.js';
import { TASK_CASES } from './task-cases.js';

const STEPS = 'optim/vqa_steps.json';
const GROUPS = 'optim/param_groups.json';
const FIRST_GRADIENTS = 'grads/vqa.safetensors';
const SCHEDULE = 'optim/cosine_scheduler.json';

/** Parameter groups, AdamW's steps on the VQA head, learning-rate schedules. */
export const optimizer: Suite = {
  name: 'optimizer, schedule',
  covers: (path) =>
    [STEPS, GROUPS, SCHEDULE].includes(path) || /^optim\/.*\.safetensors$/.test(path),
  async run(set, report) {
    await checkSteps(set, report);
    await checkGroups(set, report);
    await checkSchedule(set, report);
  },
};

interface StepsJson {
  start: string;
  batch: string;
  lr: number;
  betas: [number, number];
  eps: number;
  weight_decay: number;
  layer_decay: number;
  clip_grad: number | null;
  losses_before_each_step_then_after_last: number[];
  params_unchanged: string[];
}

async function checkSteps(set: FixtureSet, report: Report): Promise<void> {
  const recipe = await set.json<StepsJson>(STEPS);
  const losses = recipe.losses_before_each_step_then_after_last;
  const after = `optim/vqa_after_${losses.length - 1}_steps.safetensors`;
  const task = TASK_CASES.find(({ head }) => head === 'vqa')!;
  const config = set.config({ normalizeOutput: task.normalizeOutput });
  const file = await set.tensors(recipe.batch.split(' ')[0]!);
  const start = await set.tensors(recipe.start);
  // The reference's gradients of the same weights and batch, so of the first step.
  const first = set.has(FIRST_GRADIENTS) ? await set.tensors(FIRST_GRADIENTS) : undefined;
  let parameters = parametersOf(start);
  let state: AdamWState = {};
  const { weight_decay: weightDecay, layer_decay: layerDecay } = recipe;
  const groups = parameterGroups(start, { weightDecay, layerDecay, layers: config.layers });
  // ε as it is beside gradients that are not yet clipped.
  const epsilon =
    recipe.eps / clipFactor(normOf(Object.values(first ?? {})), recipe.clip_grad ?? Infinity);
  const firstStep = (name: string, g: number) =>
    (recipe.lr * groups[name]!.lrScale * g) / (Math.abs(g) + epsilon);
  for (const [step, expected] of losses.entries()) {
    const { loss, gradients } = valueAndGradients((given) => {
      const outputs = task.forward(given, config, file);
      const { sum, count } = task.lossNamed('loss')!(outputs, config, { file, settings: {} });
      return { loss: mul(sum, 1 / count) as Scalar };
    }, parameters);
    const [value] = await loss.data();
    report.loss(STEPS, `loss after ${step} steps`, value!, expected);
    loss.dispose();
    if (step === losses.length - 1) {
      for (const gradient of Object.values(gradients)) gradient.dispose();
      break;
    }
    const [beta1, beta2] = recipe.betas;
    const given = step === 0 && first ? await settled(gradients, first, firstStep) : gradients;
    const clipped = clip(given, recipe.clip_grad);
    const next = adamW(parameters, clipped, state, {
      lr: recipe.lr,
      beta1,
      beta2,
      epsilon: recipe.eps,
      groups,
      release: true,
    });
    parameters = next.parameters;
    state = next.state;
  }
  const expected = await set.tensors(after);
  for (const [name, reference] of Object.entries(expected)) {
    const tensor = parameters[name]!;
    const actual = { shape: tensor.shape, values: await tensor.data() };
    report.close(after, name, actual, reference, 1e-5);
    if (recipe.params_unchanged.includes(name)) {
      const before = start[name]!.values;
      const same = before.every((value, i) => value === actual.values[i]);
      report.check(STEPS, `${name} unchanged`, same, same ? 'equal' : 'changed');
    }
  }
  const moments = Object.values(state).flatMap(({ m, v }) => [m, v]);
  for (const tensor of [...moments, ...Object.values(parameters)] as Tensor[]) tensor.dispose();
}

/** Gradients as AdamW gets them, of norm `max` at most; the given ones are disposed if they change. */
function clip(gradients: Record<string, Tensor>, max: number | null): Record<string, Tensor> {
  if (max === null) return gradients;
  const factor = tidy(() => clipFactor(globalNorm(gradients).dataSync()[0]!, max));
  const clipped = Object.entries(gradients).map(([name, gradient]) => [
    name,
    mul(gradient, factor),
  ]);
  for (const gradient of Object.values(gradients)) gradient.dispose();
  return Object.fromEntries(clipped) as Record<string, Tensor>;
}

/**
 * Our gradients, but the reference's for elements that are not zero and that the gradients'
 * tolerance, 1e-5 of the root mean square, would move by more than 1e-5: AdamW's first step is
 * lr · g / (|g| + ε), so there rounding noise decides, by its sign or beside ε, and later steps
 * multiply it. Gradients have checks of their own.
 */
async function settled(
  gradients: Record<string, Tensor>,
  reference: FixtureFile,
  stepOf: (name: string, gradient: number) => number,
): Promise<Record<string, Tensor>> {
  const result: Record<string, Tensor> = {};
  for (const [name, gradient] of Object.entries(gradients)) {
    const given = reference[name]?.values ?? new Float32Array();
    const noise = (1e-5 * normOf([{ values: given }])) / Math.sqrt(given.length);
    const values = Float32Array.from(await gradient.data(), (value, i) => {
      const expected = given[i] ?? 0;
      if (expected === 0) return value;
      const moved = stepOf(name, expected + noise) - stepOf(name, expected - noise);
      return moved > 1e-5 ? expected : value;
    });
    result[name] = tensor(values, gradient.shape);
    gradient.dispose();
  }
  return result;
}

/** The key of the other mode's scales ends with the weight of the task head. */
const TASK_HEAD = 'lr_scale_with_task_head_lr_weight_';

interface GroupsJson {
  layer_decay: number;
  num_layers: number;
  weight_decay: number;
  heads: Record<string, Record<string, Record<string, number>>>;
}

async function checkGroups(set: FixtureSet, report: Report): Promise<void> {
  const json = await set.json<GroupsJson>(GROUPS);
  const { layer_decay: layerDecay, num_layers: layers, weight_decay: weightDecay } = json;
  for (const [head, expected] of Object.entries(json.heads)) {
    const shapes = await set.tensors(`weights/${head}.safetensors`);
    const first = Object.values(expected)[0]!;
    const weightedKey = Object.keys(first).find((key) => key.startsWith(TASK_HEAD))!;
    const taskHeadLrWeight = Number(weightedKey.slice(TASK_HEAD.length));
    const decayed = parameterGroups(shapes, { weightDecay, layerDecay, layers });
    const weighted = parameterGroups(shapes, { weightDecay, taskHeadLrWeight });
    const actual = Object.fromEntries(
      Object.keys(shapes).map((name) => [
        name,
        {
          layer_id: layerId(name, layers),
          lr_scale: decayed[name]!.lrScale,
          weight_decay: decayed[name]!.weightDecay,
          [weightedKey]: weighted[name]!.lrScale,
        },
      ]),
    );
    const names = Object.keys(expected).sort();
    report.equal(GROUPS, `${head} names`, Object.keys(actual).sort(), names);
    for (const name of names) {
      // Engines' powers differ in the last bit.
      const [ours, theirs] = [rounded(actual[name]), rounded(expected[name])];
      report.equal(GROUPS, `${head} ${name}`, ours, theirs);
    }
  }
}

function rounded(group: Record<string, number> = {}): [string, number][] {
  return Object.entries(group).map(([key, value]) => [key, Number(value.toPrecision(14))]);
}

interface ScheduleJson {
  base_value: number;
  final_value: number;
  epochs: number;
  niter_per_ep: number;
  warmup_epochs?: number;
  warmup_steps?: number;
  sched_type?: string;
  values: number[];
}

async function checkSchedule(set: FixtureSet, report: Report): Promise<void> {
  const json = await set.json<Record<string, ScheduleJson>>(SCHEDULE);
  for (const [name, entry] of Object.entries(json)) {
    const schedule = entry.sched_type === 'linear' ? warmupLinear : warmupCosine;
    const rate = schedule({
      base: entry.base_value,
      final: entry.final_value,
      steps: entry.epochs * entry.niter_per_ep,
      warmupSteps: entry.warmup_steps ?? (entry.warmup_epochs ?? 0) * entry.niter_per_ep,
    });
    const values = entry.values.map((_, step) => rate(step));
    const shape = [values.length];
    report.close(SCHEDULE, name, { shape, values }, { shape, values: entry.values }, 1e-12);
  }
}

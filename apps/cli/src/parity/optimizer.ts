import type { HostTensor, HostTensorMap, Traceable } from '@imglish/core';
import {
  type AdamWOptions,
  adamW,
  clipFactor,
  layerId,
  parameterGroups,
  warmupCosine,
  warmupLinear,
} from '@imglish/train';
import { mul } from '@tensorflow/tfjs-core';
import type { Engine } from './engine.js';
import { type FixtureFile, type FixtureSet, floats } from './fixture-set.js';
import { gradientsOf, lossAndGradients, meanLoss } from './gradients.js';
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
  async run(set, report, engine) {
    await checkSteps(set, report, engine);
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

async function checkSteps(set: FixtureSet, report: Report, engine: Engine): Promise<void> {
  const recipe = await set.json<StepsJson>(STEPS);
  const losses = recipe.losses_before_each_step_then_after_last;
  const after = `optim/vqa_after_${losses.length - 1}_steps.safetensors`;
  const task = TASK_CASES.find(({ head }) => head === 'vqa')!;
  const config = set.config({ normalizeOutput: task.normalizeOutput });
  const file = await set.tensors(recipe.batch.split(' ')[0]!);
  const lossCase = task.lossNamed('loss', { file, settings: {} })!;
  const start = await set.tensors(recipe.start);
  // The reference's gradients of the same weights and batch, so of the first step.
  const first = set.has(FIRST_GRADIENTS) ? await set.tensors(FIRST_GRADIENTS) : undefined;
  const { weight_decay: weightDecay, layer_decay: layerDecay } = recipe;
  const groups = parameterGroups(start, { weightDecay, layerDecay, layers: config.layers });
  const [beta1, beta2] = recipe.betas;
  const options = { lr: recipe.lr, beta1, beta2, epsilon: recipe.eps, groups };
  // ε as it is beside gradients that are not yet clipped.
  const epsilon =
    recipe.eps / clipFactor(normOf(Object.values(first ?? {})), recipe.clip_grad ?? Infinity);
  const firstStep = (name: string, g: number) =>
    (recipe.lr * groups[name]!.lrScale * g) / (Math.abs(g) + epsilon);

  const differentiate = lossAndGradients(
    (inputs, given) => meanLoss(task, config, lossCase, inputs, given),
    (inputs) => groupsOf(inputs).parameter,
  );
  const batch = { ...task.inputs(file, config), ...lossCase.targets };
  let parameters = mapped(start, floats);
  // Parameters change from step to step: they are inputs here.
  await engine.withParameters({}, async (executor) => {
    let moments: HostTensorMap = {};
    for (const [step, expected] of losses.entries()) {
      const outputs = await executor.run(differentiate, {
        ...batch,
        ...prefixed('parameter', parameters),
      });
      report.loss(STEPS, `loss after ${step} steps`, outputs.loss!.data[0]!, expected);
      if (step === losses.length - 1) break;
      const ours = gradientsOf(outputs);
      const given = step === 0 && first ? settled(ours, first, firstStep) : ours;
      const norm = normOf(Object.values(given).map(({ data }) => ({ values: data })));
      const factor = Float32Array.of(clipFactor(norm, recipe.clip_grad ?? Infinity));
      const updated = await executor.run(updateOf(step, options), {
        factor: { dtype: 'float32', shape: [], data: factor },
        ...prefixed('parameter', parameters),
        ...prefixed('gradient', given),
        ...moments,
      });
      const next = groupsOf(updated);
      parameters = { ...parameters, ...next.parameter };
      moments = { ...prefixed('m', next.m), ...prefixed('v', next.v) };
    }
  });
  const expected = await set.tensors(after);
  for (const [name, reference] of Object.entries(expected)) {
    const { shape, data } = parameters[name]!;
    report.close(after, name, { shape, values: data }, reference, 1e-5);
    if (recipe.params_unchanged.includes(name)) {
      const same = start[name]!.values.every((value, i) => value === data[i]);
      report.check(STEPS, `${name} unchanged`, same, same ? 'equal' : 'changed');
    }
  }
}

/**
 * AdamW's update after `step` others, gradients times `factor`. Parameters, gradients and moments
 * come and go with prefixes; before the first step there are no moments.
 */
function updateOf(step: number, options: AdamWOptions): Traceable {
  return function update({ factor, ...inputs }) {
    const { parameter, gradient, m, v } = groupsOf(inputs);
    const state = mapped(m, (first, name) => ({ step, m: first, v: v[name]! }));
    const clipped = mapped(gradient, (given) => mul(given, factor!));
    const next = adamW(parameter, clipped, state, options);
    return {
      ...prefixed('parameter', next.parameters),
      ...prefixed(
        'm',
        mapped(next.state, (moments) => moments.m),
      ),
      ...prefixed(
        'v',
        mapped(next.state, (moments) => moments.v),
      ),
    };
  };
}

type Named<T> = Record<string, T>;

function mapped<A, B>(map: Readonly<Named<A>>, f: (value: A, name: string) => B): Named<B> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name, f(value, name)]));
}

function prefixed<T>(group: string, map: Readonly<Named<T>>): Named<T> {
  return Object.fromEntries(
    Object.entries(map).map(([name, value]) => [`${group}:${name}`, value]),
  );
}

/** What `prefixed` put together, taken apart; names without a group are left out. */
function groupsOf<T>(
  map: Readonly<Named<T>>,
): Record<'parameter' | 'gradient' | 'm' | 'v', Named<T>> {
  const groups = { parameter: {}, gradient: {}, m: {}, v: {} } as Named<Named<T>>;
  for (const [key, value] of Object.entries(map)) {
    const [, group, name] = /^(\w+):(.+)$/.exec(key) ?? [];
    if (group && name) groups[group]![name] = value;
  }
  return groups as ReturnType<typeof groupsOf<T>>;
}

/**
 * Our gradients, but the reference's for elements that are not zero and that the gradients'
 * tolerance, 1e-5 of the root mean square, would move by more than 1e-5: AdamW's first step is
 * lr · g / (|g| + ε), so there rounding noise decides, by its sign or beside ε, and later steps
 * multiply it. Gradients have checks of their own.
 */
function settled(
  gradients: HostTensorMap,
  reference: FixtureFile,
  stepOf: (name: string, gradient: number) => number,
): HostTensorMap {
  return mapped(gradients, ({ data, shape }, name): HostTensor => {
    const given = reference[name]?.values ?? new Float32Array();
    const noise = (1e-5 * normOf([{ values: given }])) / Math.sqrt(given.length);
    const settledValues = Float32Array.from(data, (value, i) => {
      const expected = given[i] ?? 0;
      if (expected === 0) return value;
      const moved = stepOf(name, expected + noise) - stepOf(name, expected - noise);
      return moved > 1e-5 ? expected : value;
    });
    return { dtype: 'float32', shape, data: settledValues };
  });
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

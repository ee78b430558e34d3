import { valueAndGradients } from '@imglish/core';
import {
  type AdamWState,
  adamW,
  layerId,
  parameterGroups,
  warmupCosine,
  warmupLinear,
} from '@imglish/train';
import { mul, type Scalar, type Tensor } from '@tensorflow/tfjs-core';
import { type FixtureSet, parametersOf } from './fixture-set.js';
import type { Report } from './report.js';
import type { Suite } from './suite.js';
import { TASK_CASES } from './task-cases.js';

const STEPS = 'optim/vqa_steps.json';
const GROUPS = 'optim/param_groups.json';
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
  let parameters = parametersOf(start);
  let state: AdamWState = {};
  const { weight_decay: weightDecay, layer_decay: layerDecay } = recipe;
  const groups = parameterGroups(start, { weightDecay, layerDecay, layers: config.layers });
  for (const [step, expected] of losses.entries()) {
    const { loss, gradients } = valueAndGradients((given) => {
      const outputs = task.forward(given, config, file);
      const { sum, count } = task.losses.loss!(outputs, config, { file, settings: {} });
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
    const next = adamW(parameters, gradients, state, {
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

interface GroupsJson {
  layer_decay: number;
  num_layers: number;
  weight_decay: number;
  heads: Record<
    string,
    Record<
      string,
      {
        layer_id: number;
        lr_scale: number;
        weight_decay: number;
        lr_scale_with_task_head_lr_weight_20: number;
      }
    >
  >;
}

async function checkGroups(set: FixtureSet, report: Report): Promise<void> {
  const json = await set.json<GroupsJson>(GROUPS);
  const { layer_decay: layerDecay, num_layers: layers, weight_decay: weightDecay } = json;
  for (const [head, expected] of Object.entries(json.heads)) {
    const shapes = await set.tensors(`weights/${head}.safetensors`);
    const decayed = parameterGroups(shapes, { weightDecay, layerDecay, layers });
    const weighted = parameterGroups(shapes, { weightDecay, taskHeadLrWeight: 20 });
    const actual = Object.fromEntries(
      Object.keys(shapes).map((name) => [
        name,
        {
          layer_id: layerId(name, layers),
          lr_scale: decayed[name]!.lrScale,
          weight_decay: decayed[name]!.weightDecay,
          lr_scale_with_task_head_lr_weight_20: weighted[name]!.lrScale,
        },
      ]),
    );
    const names = Object.keys(expected).sort();
    report.equal(GROUPS, `${head} names`, Object.keys(actual).sort(), names);
    for (const name of names) report.equal(GROUPS, `${head} ${name}`, actual[name], expected[name]);
  }
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

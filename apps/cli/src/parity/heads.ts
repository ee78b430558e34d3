import type { Executor, HostTensorMap, ModelConfig, Traceable } from '@imglish/core';
import { clipFactor } from '@imglish/train';
import { mul, type Scalar } from '@tensorflow/tfjs-core';
import type { Engine } from './engine.js';
import { type FixtureFile, type FixtureSet, floats, parametersOf } from './fixture-set.js';
import { compareGradients, gradientsOf, lossAndGradients, meanLoss } from './gradients.js';
import type { Report } from './report.js';
import type { Suite } from './suite.js';
import { captioningInputs, TASK_CASES, type TaskCase } from './task-cases.js';

/** The losses among a head's entries; the one of a float64 run only says how exact float32 is. */
const LOSS = /^loss(?!_fp64)/;

type LossesJson = Record<string, Record<string, unknown>>;

/** A head with its fixtures, and what runs it. */
interface Head {
  readonly task: TaskCase;
  readonly config: ModelConfig;
  readonly executor: Executor;
  readonly file: FixtureFile;
  readonly settings: Readonly<Record<string, unknown>>;
}

/** Every head's outputs, losses, gradients by logits and by parameters, and gradient norms. */
export const heads: Suite = {
  name: 'heads, losses, gradients',
  covers: (path) =>
    path === 'losses.json' ||
    TASK_CASES.some(({ head }) => [`heads/${head}`, `grads/${head}`].includes(stem(path))),
  async run(set, report, engine) {
    const losses = await set.json<LossesJson>('losses.json');
    for (const task of TASK_CASES) {
      const weights = await set.tensors(`weights/${task.head}.safetensors`);
      const file = await set.tensors(`heads/${task.head}.safetensors`);
      const config = set.config({ normalizeOutput: task.normalizeOutput });
      await engine.withParameters(parametersOf(weights), async (executor) => {
        const head = { task, config, executor, file, settings: losses[task.head]! };
        await checkOutputs(report, head);
        await checkLosses(report, head);
        await checkGradients(set, report, engine, head, Object.keys(weights));
      });
    }
  },
};

function stem(path: string): string {
  return path.replace(/\.safetensors$/, '');
}

async function checkOutputs(report: Report, head: Head): Promise<void> {
  const { task, config, executor, file } = head;
  const path = `heads/${task.head}.safetensors`;
  const run = (inputs: HostTensorMap) => executor.run(outputsOfHead, inputs);
  const outputsOfHead: Traceable = (inputs, parameters) =>
    task.compared(task.forward(parameters, config, inputs));
  const outputs = { ...(await run(task.inputs(file, config))) };
  const everywhere = file['out.logits_all_positions'];
  if (everywhere) {
    const [batch, length] = everywhere.shape as [number, number];
    const slots = Array.from({ length: batch * length }, (_, i) => i);
    const all = await run(captioningInputs(file, config, slots));
    outputs['out.logits_all_positions'] = all['out.logits']!;
  }
  for (const [name, expected] of Object.entries(file)) {
    if (!name.startsWith('out.')) continue;
    const output = outputs[name];
    if (!output) {
      report.check(path, name, false, 'not computed');
      continue;
    }
    const same = output.data.length === expected.values.length;
    const shape = same ? expected.shape : output.shape;
    report.output(path, name, { shape, values: output.data }, expected);
  }
}

async function checkLosses(report: Report, head: Head): Promise<void> {
  const { task, config, executor, file, settings } = head;
  const names = Object.keys(settings).filter((name) => LOSS.test(name));
  for (const name of names) {
    const lossCase = task.lossNamed(name, head);
    if (!lossCase) {
      report.check('losses.json', `${task.head} ${name}`, false, 'not computed');
      continue;
    }
    const { loss } = await executor.run(
      function lossOfHead(inputs, parameters) {
        return { loss: meanLoss(task, config, lossCase, inputs, parameters) };
      },
      { ...task.inputs(file, config), ...lossCase.targets },
    );
    report.loss('losses.json', `${task.head} ${name}`, loss!.data[0]!, settings[name] as number);
  }
  const path = `heads/${task.head}.safetensors`;
  for (const name of Object.keys(file).filter((key) => key.startsWith('dlogits.'))) {
    // `dlogits.x` belongs to `loss_x`, or to `loss_global_step_N_x`.
    const lossName = names.find((loss) => loss.endsWith(`_${name.slice('dlogits.'.length)}`));
    const lossCase = lossName === undefined ? undefined : task.lossNamed(lossName, head);
    if (!lossCase) {
      report.check(path, name, false, 'no such loss in losses.json');
      continue;
    }
    const byLogits = lossAndGradients(
      (inputs, given) => {
        const { sum, count } = lossCase.loss(given, inputs);
        return mul(sum, 1 / count) as Scalar;
      },
      ({ logits }) => ({ logits: logits! }),
    );
    const inputs = { logits: floats(file['out.logits']!), ...lossCase.targets };
    const { logits } = gradientsOf(await executor.run(byLogits, inputs));
    report.output(path, name, { shape: logits!.shape, values: logits!.data }, file[name]!);
  }
}

async function checkGradients(
  set: FixtureSet,
  report: Report,
  engine: Engine,
  head: Head,
  parameterNames: readonly string[],
): Promise<void> {
  const { task, config, executor, file, settings } = head;
  const path = `grads/${task.head}.safetensors`;
  const expected = await set.tensors(path);
  const lossCase = task.lossNamed('loss', head)!;
  const outputs = await executor.run(
    lossAndGradients((inputs, given) => meanLoss(task, config, lossCase, inputs, given)),
    { ...task.inputs(file, config), ...lossCase.targets },
  );
  const gradients = gradientsOf(outputs);
  compareGradients(report, path, gradients, expected, engine.gradientTolerance);

  report.equal(
    'losses.json',
    `${task.head} parameters without gradient`,
    parameterNames.filter((name) => !gradients[name]).sort(),
    (settings.params_without_grad as string[]).toSorted(),
  );
  const norm = outputs.norm!.data[0]!;
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
}

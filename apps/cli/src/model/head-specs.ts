import {
  backboneSpecs,
  ConfigError,
  type ModelJson,
  nearestName,
  type ParameterSpecs,
} from '@imglish/core';
import {
  headSpecsIn,
  MASKED_DATA_MODELLING,
  maskedDataHeadSpecs,
  PRETRAINING,
} from '@imglish/pretrain';
import { tasks } from '@imglish/tasks';

/** No head at all. */
export const BACKBONE = 'backbone';

const TASKS = Object.values(tasks);
const NAMES: readonly string[] = [
  BACKBONE,
  MASKED_DATA_MODELLING,
  PRETRAINING,
  ...TASKS.map((t) => t.name),
];

/**
 * Every parameter that a model of this `config.json` has; where the `names` in its file are given, also
 * the heads of pretraining objectives that are among them.
 */
export function specsOf({ model, head }: ModelJson, names: Iterable<string> = []): ParameterSpecs {
  const others = headSpecsIn(names, model, head.options.codes ?? 0);
  return { ...backboneSpecs(model), ...others, ...headSpecs({ model, head }) };
}

function headSpecs({ model, head }: ModelJson): ParameterSpecs {
  if (head.task === BACKBONE || head.task === PRETRAINING) return {};
  if (head.task === MASKED_DATA_MODELLING) {
    return maskedDataHeadSpecs(model, required(head.options, 'codes', head.task));
  }
  const task = TASKS.find(({ name }) => name === head.task);
  if (!task) {
    throw new ConfigError({
      code: 'config/unknown-task',
      where: 'specsOf',
      expected: `one of the heads ${NAMES.join(', ')}`,
      got: `"${head.task}"`,
      fix: `Did you mean "${nearestName(head.task, NAMES)}"?`,
    });
  }
  return task.headSpecs(model, head.options as never);
}

function required(options: Record<string, number>, key: string, task: string): number {
  const value = options[key];
  if (value !== undefined) return value;
  throw new ConfigError({
    code: 'config/missing-key',
    where: 'specsOf',
    expected: `the option "${key}" for the head ${task}`,
    got: JSON.stringify(options),
  });
}

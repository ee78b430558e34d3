import { ConfigError, nearestName } from '@imglish/core';
import { tasks } from '../all.js';
import type { Task } from '../task.js';

/** Names of all tasks. */
export const TASK_NAMES: readonly string[] = Object.values(tasks).map(({ name }) => name);

/** The task of that name, such as `image-captioning`; `config/unknown-task` where there is none. */
export function findTask(name: string): Task {
  const task = Object.values(tasks).find((one) => one.name === name);
  if (task) return task as unknown as Task;
  throw unknownTask('findTask', 'tasks', name, TASK_NAMES);
}

/** `config/unknown-task`: that `name` is none of the `known` tasks, pipelines or the like. */
export function unknownTask(
  where: string,
  kind: string,
  name: string,
  known: readonly string[],
): ConfigError {
  return new ConfigError({
    code: 'config/unknown-task',
    where,
    expected: `one of the ${kind} ${known.join(', ')}`,
    got: `"${name}"`,
    fix: `Did you mean "${nearestName(name, known)}"?`,
  });
}

import { ConfigError, nearestName } from '@imglish/core';
import { tasks } from '../all.js';
import type { Task } from '../task.js';

/** Names of all tasks. */
export const TASK_NAMES: readonly string[] = Object.values(tasks).map(({ name }) => name);

/** The task of that name, such as `image-captioning`; `config/unknown-task` where there is none. */
export function findTask(name: string): Task {
  const task = Object.values(tasks).find((one) => one.name === name);
  if (task) return task as unknown as Task;
  throw new ConfigError({
    code: 'config/unknown-task',
    where: 'findTask',
    expected: `one of the tasks ${TASK_NAMES.join(', ')}`,
    got: `"${name}"`,
    fix: `Did you mean "${nearestName(name, TASK_NAMES)}"?`,
  });
}

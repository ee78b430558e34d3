import { ConfigError } from '../errors/errors.js';
import {
  clipped,
  type ModelConfig,
  type ModelConfigInput,
  modelConfig,
  rejectUnknownKeys,
} from './config.js';

/** The `config.json` of a model directory: a backbone and the head on it. */
export interface ModelJson {
  model: ModelConfig;
  head: HeadJson;
}

/** A head by the name of its task, with what sizes it. */
export interface HeadJson {
  task: string;
  options: Record<string, number>;
  /** Names of its classes, or the answers that it can give. */
  labels?: readonly string[];
}

/** Checks what `config.json` says. Throws `ConfigError` `config/…`, naming what is wrong. */
export function parseModelJson(json: unknown): ModelJson {
  const where = 'parseModelJson';
  rejectUnknownKeys(where, json as object, ['model', 'head']);
  const { model, head } = json as Partial<ModelJson>;
  if (!model || !head) {
    throw new ConfigError({
      code: 'config/missing-key',
      where,
      expected: 'the keys model and head',
      got: `no "${model ? 'head' : 'model'}"`,
    });
  }
  rejectUnknownKeys(`${where} head`, head, ['task', 'options', 'labels']);
  const options: unknown = head.options ?? {};
  const sizes = typeof options === 'object' && options !== null ? Object.values(options) : [NaN];
  if (typeof head.task !== 'string' || !sizes.every((n) => Number.isSafeInteger(n) && n > 0)) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where,
      expected: 'head to be {task: a name, options: {name: positive integer}}',
      got: clipped(JSON.stringify(head)),
    });
  }
  const { labels } = head;
  if (labels !== undefined && !isListOfNames(labels)) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where,
      expected: 'head.labels to be a list of different texts',
      got: clipped(JSON.stringify(labels)),
    });
  }
  return {
    model: modelConfig(model as ModelConfigInput),
    head: {
      task: head.task,
      options: options as Record<string, number>,
      ...(labels && { labels }),
    },
  };
}

function isListOfNames(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every((name) => typeof name === 'string') &&
    new Set(value).size === value.length
  );
}

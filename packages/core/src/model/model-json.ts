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
  rejectUnknownKeys(`${where} head`, head, ['task', 'options']);
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
  return {
    model: modelConfig(model as ModelConfigInput),
    head: { task: head.task, options: options as Record<string, number> },
  };
}

import {
  type Compiler,
  type Dataset,
  elementCount,
  type ParameterPlace,
  type ParameterSpecs,
  type Parameters,
  type Region,
} from '@imglish/core';
import { type OpenTaskModel, taskModel } from '../model/task-model.js';
import type { Metrics, Task, TaskReader, TaskTypes } from '../task.js';
import { type EvaluationOptions, evaluateTask } from './evaluate.js';

/** Runs a model whose parameters change: compiled once, however often they do. */
export interface ChangingModel {
  score(parameters: Parameters): Promise<Metrics>;
  dispose(): Promise<void>;
}

/** Scores a model again and again as it learns. */
export function changingModel<T extends TaskTypes>(
  task: Task<T>,
  reader: TaskReader,
  specs: ParameterSpecs,
  data: Dataset<T['Example']>,
  options: EvaluationOptions<T>,
  compiler: Compiler | undefined,
): ChangingModel {
  const scoreOf = async (model: OpenTaskModel): Promise<Metrics> =>
    (await evaluateTask(task, model, data, options)).metrics;
  if (!compiler) {
    return {
      async score(parameters) {
        const model = taskModel(reader, parameters);
        return scoreOf(model).finally(() => model.dispose());
      },
      dispose: async () => {},
    };
  }
  let placed: { region: Region; model: OpenTaskModel } | undefined;
  return {
    async score(parameters) {
      placed ??= await place(reader, specs, compiler);
      let offset = 0;
      for (const name of Object.keys(specs)) {
        const values = await parameters[name]!.data<'float32'>();
        await placed.region.write(values, offset);
        offset += values.length;
      }
      return scoreOf(placed.model);
    },
    async dispose() {
      await placed?.model.dispose();
      await placed?.region.dispose();
    },
  };
}

/** A model whose parameters lie side by side in a region. */
async function place(
  reader: TaskReader,
  specs: ParameterSpecs,
  compiler: Compiler,
): Promise<{ region: Region; model: OpenTaskModel }> {
  const sizes = Object.entries(specs).map(
    ([name, { shape }]) => [name, shape, elementCount(shape)] as const,
  );
  const region = await compiler.reserve(sizes.reduce((sum, [, , size]) => sum + size, 0));
  const source: Record<string, ParameterPlace> = {};
  let offset = 0;
  for (const [name, shape, size] of sizes) {
    source[name] = { shape, place: region.view(offset, shape) };
    offset += size;
  }
  return { region, model: taskModel(reader, source, { compiler }) };
}

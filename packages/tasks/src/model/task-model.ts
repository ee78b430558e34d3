import {
  type Compiler,
  compiledExecutor,
  eagerExecutor,
  type ParameterSource,
  type Parameters,
} from '@imglish/core';
import {
  type CaptionDecoder,
  compiledCaptionDecoder,
  eagerCaptionDecoder,
} from '../image-captioning/generate/index.js';
import type { TaskModel, TaskReader } from '../task.js';
import { FREE_SIZES } from './free-sizes.js';

/** A model at work; who made it disposes it. */
export interface OpenTaskModel extends TaskModel {
  /** Frees what it made; parameters that it was given stay. */
  dispose(): Promise<void>;
}

/**
 * Puts a model to work: op by op on the current backend, or compiled, where one compilation serves
 * batches of any size and texts of any length. Tensors among the parameters are to live as long as it.
 */
export function taskModel(
  reader: TaskReader,
  parameters: Parameters,
  engine?: { compiler?: Compiler },
): OpenTaskModel;
export function taskModel(
  reader: TaskReader,
  parameters: ParameterSource,
  engine: { compiler: Compiler },
): OpenTaskModel;
export function taskModel(
  reader: TaskReader,
  parameters: Parameters | ParameterSource,
  { compiler }: { compiler?: Compiler } = {},
): OpenTaskModel {
  const { config } = reader;
  const executor = compiler
    ? compiledExecutor(compiler, parameters, { freeSizes: FREE_SIZES })
    : eagerExecutor(parameters as Parameters);
  let decoder: Promise<CaptionDecoder> | undefined;
  return {
    ...reader,
    executor,
    decoder: () => {
      decoder ??= compiler
        ? compiledCaptionDecoder(compiler, parameters, config)
        : Promise.resolve(eagerCaptionDecoder(parameters as Parameters, config));
      return decoder;
    },
    async dispose(): Promise<void> {
      await executor.dispose();
      await (await decoder)?.dispose();
    },
  };
}

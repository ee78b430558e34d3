import { ConfigError, rejectUnknownKeys } from '@imglish/core';

/** Where a model comes from and what computes it; named as in transformers.js. */
export interface PipelineOptions {
  /** The engine, `onnx`, `wasm` or `cpu`; by default the first that works, see `@imglish/backend-auto`. */
  device?: string;
  /** Weights are computed as they are trained: `fp32` is all there is. */
  dtype?: 'fp32';
  /** Called as the model is read. */
  progress_callback?: (progress: ModelProgress) => void;
  /** Whether a page keeps the files of a model that comes from the web; default true. Node keeps none. */
  use_cache?: boolean;
}

/** What becomes of one file of a model; at last of the model itself. */
export type ModelProgress =
  | { status: 'initiate'; name: string; file: string }
  | {
      status: 'progress';
      name: string;
      file: string;
      /** Percent. */
      progress: number;
      /** Bytes. */
      loaded: number;
      total: number;
    }
  | { status: 'done'; name: string; file: string }
  | { status: 'ready'; name: string; task: string };

const KNOWN = ['device', 'dtype', 'progress_callback', 'use_cache'];

/** Options of transformers.js that mean nothing here, and why. */
const NOT_HERE: Readonly<Record<string, string>> = {
  revision: 'A model is a directory: give the path or URL of the version that you want.',
  cache_dir: 'Give the path of a directory to read a model from there.',
  local_files_only: 'Give the path of a directory to read a model from there.',
  config: 'The configuration is the file config.json of the model directory.',
  model_file_name: 'The weights are the file model.safetensors of the model directory.',
  subfolder: 'Give the path or URL of the folder itself.',
  session_options: 'Open a backend and give it to createPipeline of @imglish/tasks.',
};

/** Throws `config/unsupported-option`, `config/unknown-key`, `config/invalid-value`. */
export function checkOptions(where: string, options: PipelineOptions): void {
  const refuse = (code: string, expected: string, got: string, fix?: string): never => {
    throw new ConfigError({ code, where, expected, got, ...(fix ? { fix } : {}) });
  };
  for (const [key, fix] of Object.entries(NOT_HERE)) {
    if (key in options)
      refuse('config/unsupported-option', `only the options ${KNOWN.join(', ')}`, key, fix);
  }
  rejectUnknownKeys(where, options, KNOWN);
  const { dtype, progress_callback: callback, use_cache: cache } = options;
  if (dtype !== undefined && dtype !== 'fp32') {
    const fix = 'imglish export makes ONNX files of fp16 and int8.';
    refuse('config/unsupported-option', "the dtype 'fp32'", JSON.stringify(dtype), fix);
  }
  if (callback !== undefined && typeof callback !== 'function')
    refuse('config/invalid-value', 'progress_callback to be a function', typeof callback);
  if (cache !== undefined && typeof cache !== 'boolean')
    refuse('config/invalid-value', 'use_cache to be true or false', String(cache));
}

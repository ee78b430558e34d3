import type { HostTensor } from '@imglish/core';

/** A tensor on its way to the worker, or a part of a region that is there. */
export type Feed =
  | HostTensor
  | { readonly region: number; readonly offset: number; readonly shape: readonly number[] };

/** What the worker can be asked for: method → what goes there and what comes back. */
export interface Protocol {
  start: {
    args: {
      threads: number;
      device: string;
      /** Where onnxruntime-web finds its own files. */
      wasmPaths?: string | Readonly<Record<string, string>>;
    };
    result: { version: string };
  };
  open: {
    args: {
      bytes: Uint8Array;
      /** Session options by their names without `session.`. */
      config?: Readonly<Record<string, string>>;
      /** The files that the model names. */
      externalData?: { path: string; data: Uint8Array }[];
    };
    result: { session: number };
  };
  run: {
    args: { session: number; inputs: Record<string, Feed>; into: Record<string, Feed> };
    result: Record<string, HostTensor>;
  };
  close: { args: { session: number }; result: undefined };
  reserve: { args: { length: number }; result: { region: number } };
  write: { args: { region: number; offset: number; values: Float32Array }; result: undefined };
  read: { args: { region: number; offset: number; length: number }; result: Float32Array };
  free: { args: { region: number }; result: undefined };
}

export type Method = keyof Protocol;

export interface Request<M extends Method = Method> {
  readonly id: number;
  readonly method: M;
  readonly args: Protocol[M]['args'];
}

export type Reply =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly failure: Failure };

export interface Failure {
  readonly message: string;
  /** What went wrong while starting: the runtime is not installed, or it lacks the device. */
  readonly reason?: 'not-installed' | 'no-device';
}

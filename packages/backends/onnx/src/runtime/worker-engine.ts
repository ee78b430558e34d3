import {
  BackendError,
  type HostTensor,
  type HostTensorMap,
  ImglishError,
  type Region,
  type RegionView,
  type RunOptions,
} from '@imglish/core';
import type { OnnxModel } from '../lower/onnx-model.js';
import type { RunInput, RuntimeEngine, Session } from './engine.js';
import { disposed, type Link, RequestFailed } from './link.js';
import type { Feed, Protocol } from './protocol.js';
import { sizeOf } from './shape.js';

/** A model made ready for the worker: its weights where the runtime finds them. */
export interface Prepared {
  readonly args: Protocol['open']['args'];
  /** Bytes of the weights outside the model, as float32. */
  readonly weightBytes: number;
}

export interface WorkerEngineOptions {
  readonly description: string;
  readonly prepare: (model: OnnxModel, where: string) => Promise<Prepared>;
}

/** A runtime behind a link to its worker. */
export function workerEngine(
  link: Link,
  { description, prepare }: WorkerEngineOptions,
): RuntimeEngine {
  return {
    description,
    async open(model, { name }) {
      const refused = (error: unknown): never => {
        throw failed(error, 'backend/model-refused', name, 'a model that the runtime takes');
      };
      const { args, weightBytes } = await prepare(model, name).catch(refused);
      const copy = args.bytes.slice();
      const transfer = [
        copy.buffer,
        ...(args.externalData ?? []).map(({ data }) => data.buffer as ArrayBuffer),
      ];
      const { session } = await link
        .request('open', { ...args, bytes: copy }, transfer)
        .catch(refused);
      return openedSession(link, session, name, model.bytes.length + weightBytes);
    },
    reserve: (length) => reserveRegion(link, length),
    dispose: () => link.end(),
  };
}

function openedSession(link: Link, session: number, name: string, bytes: number): Session {
  let open = true;
  return {
    bytes,
    async run(inputs, { into = {} }: RunOptions = {}) {
      if (!open) throw disposed('the session', name);
      const transfer: ArrayBuffer[] = [];
      const feeds = mapValues(inputs, (input) => toFeed(link, input, name, transfer));
      const targets = mapValues(into, (view) => toFeed(link, view, name, transfer));
      const result = await link
        .request('run', { session, inputs: feeds, into: targets }, transfer)
        .catch((error) => {
          const given = [...Object.entries(inputs), ...Object.entries(into)].map(
            ([each, { dtype, shape }]) => `${each}: ${dtype} [${shape.join(', ')}]`,
          );
          const expected = `a run with ${given.join('; ') || 'no inputs'}`;
          throw failed(error, 'backend/run-failed', name, expected);
        });
      return result as HostTensorMap;
    },
    async dispose() {
      if (!open) return;
      open = false;
      if (link.alive) await link.request('close', { session });
    },
  };
}

/** A region that lives in the worker of `link`. */
class WorkerRegion implements Region {
  readonly length: number;
  readonly link: Link;
  readonly id: number;
  #open = true;

  constructor(link: Link, id: number, length: number) {
    this.link = link;
    this.id = id;
    this.length = length;
  }

  get open(): boolean {
    return this.#open;
  }

  async write(values: Float32Array, offset = 0): Promise<void> {
    this.#check('write', offset, values.length);
    const copy = values.slice();
    await this.link.request('write', { region: this.id, offset, values: copy }, [
      copy.buffer as ArrayBuffer,
    ]);
  }

  async read(offset = 0, length: number = this.length - offset): Promise<Float32Array> {
    this.#check('read', offset, length);
    return this.link.request('read', { region: this.id, offset, length });
  }

  view(offset: number, shape: readonly number[]): RegionView {
    this.#check('view', offset, sizeOf(shape));
    return { dtype: 'float32', shape: [...shape], region: this, offset };
  }

  async dispose(): Promise<void> {
    if (!this.#open) return;
    this.#open = false;
    if (this.link.alive) await this.link.request('free', { region: this.id });
  }

  #check(method: string, offset: number, length: number): void {
    if (!this.#open) throw disposed('the region', `Region.${method}`);
    if (isCount(offset) && isCount(length) && offset + length <= this.length) return;
    throw new BackendError({
      code: 'backend/out-of-range',
      where: `Region.${method}`,
      expected: `a part of the region's ${this.length} values`,
      got: `${length} values from ${offset} on`,
    });
  }
}

async function reserveRegion(link: Link, length: number): Promise<Region> {
  const error = (got: string): BackendError =>
    new BackendError({
      code: 'backend/region-size',
      where: 'reserve',
      expected: 'a number of values that there is room for',
      got,
    });
  if (!isCount(length)) throw error(String(length));
  const { region } = await link.request('reserve', { length }).catch((cause) => {
    throw cause instanceof RequestFailed ? error(`${length}: ${cause.message}`) : cause;
  });
  return new WorkerRegion(link, region, length);
}

/** Tensors are copied: the caller keeps its arrays. */
function toFeed(link: Link, input: RunInput, where: string, transfer: ArrayBuffer[]): Feed {
  if (!('region' in input)) {
    const data = input.data.slice();
    transfer.push(data.buffer as ArrayBuffer);
    return { dtype: input.dtype, shape: input.shape, data } as HostTensor;
  }
  const { region, offset, shape } = input;
  if (!(region instanceof WorkerRegion) || region.link !== link) {
    throw new BackendError({
      code: 'backend/foreign-region',
      where,
      expected: 'regions of the engine that runs the function',
      got: 'a region of another one',
      fix: 'Reserve it from the same compiler.',
    });
  }
  if (!region.open) throw disposed('the region', where);
  return { region: region.id, offset, shape };
}

/** What the worker or a reader says, as a typed error. */
function failed(error: unknown, code: string, where: string, expected: string): unknown {
  if (ImglishError.isInstance(error)) return error;
  const got = (error as Error).message;
  return new BackendError({ code, where, expected, got, cause: error });
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  f: (value: A) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([name, value]) => [name, f(value)]));
}

function isCount(value: number): boolean {
  return Number.isSafeInteger(value) && value >= 0;
}

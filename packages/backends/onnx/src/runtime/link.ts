import { BackendError } from '@imglish/core';
import type { Failure, Method, Protocol, Reply, Request } from './protocol.js';

/** A worker of Node or of a browser, as far as it is needed here. */
export interface Port {
  post(request: Request, transfer: ArrayBuffer[]): void;
  /** Called once, before the first `post`. */
  listen(onReply: (reply: Reply) => void, onLost: (reason: string) => void): void;
  /** Whether the process should wait for it. */
  hold(busy: boolean): void;
  end(): Promise<void>;
}

interface Waiting {
  resolve(result: unknown): void;
  reject(error: unknown): void;
}

/** The answer to a request was a failure. */
export class RequestFailed extends Error {
  readonly failure: Failure;

  constructor(failure: Failure) {
    super(failure.message);
    this.failure = failure;
  }
}

/** Requests to a worker and their answers; the process waits for the worker only while one is under way. */
export class Link {
  readonly #port: Port;
  readonly #waiting: Map<number, Waiting> = new Map();
  #next = 1;
  /** Why nothing can be asked any more. */
  #over: BackendError | undefined;

  constructor(port: Port) {
    this.#port = port;
    port.listen(
      (reply) => this.#settle(reply),
      (reason) => this.#end(lost(reason)),
    );
    port.hold(false);
  }

  /** False once the worker has ended. */
  get alive(): boolean {
    return this.#over === undefined;
  }

  /**
   * @throws RequestFailed with what the worker says, BackendError `backend/engine-lost` when the worker
   * ends before it answers, `backend/disposed` after `end`.
   */
  request<M extends Method>(
    method: M,
    args: Protocol[M]['args'],
    transfer: ArrayBuffer[] = [],
  ): Promise<Protocol[M]['result']> {
    return new Promise((resolve, reject) => {
      if (this.#over) throw this.#over;
      const id = this.#next++;
      this.#port.post({ id, method, args }, transfer);
      if (this.#waiting.size === 0) this.#port.hold(true);
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
    });
  }

  async end(): Promise<void> {
    if (this.#over) return;
    this.#end(disposed('the engine'));
    await this.#port.end();
  }

  #settle(reply: Reply): void {
    const waiting = this.#waiting.get(reply.id);
    if (!waiting) return; // the link has ended
    this.#waiting.delete(reply.id);
    if (this.#waiting.size === 0) this.#port.hold(false);
    if ('failure' in reply) waiting.reject(new RequestFailed(reply.failure));
    else waiting.resolve(reply.result);
  }

  #end(why: BackendError): void {
    if (this.#over) return;
    this.#over = why;
    for (const { reject } of this.#waiting.values()) reject(why);
    this.#waiting.clear();
    this.#port.hold(false);
  }
}

function lost(reason: string): BackendError {
  return new BackendError({
    code: 'backend/engine-lost',
    where: 'onnx',
    expected: 'a worker that goes on',
    got: reason,
    fix: 'Open the backend again; what regions held is gone.',
  });
}

/** The error of using what was given back. */
export function disposed(what: string, where = 'onnx'): BackendError {
  return new BackendError({
    code: 'backend/disposed',
    where,
    expected: `${what} to be there still`,
    got: 'one that was disposed',
  });
}

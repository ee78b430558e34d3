// What runs in the worker, in Node as in a browser. Plain JavaScript: Node starts a worker from this
// file as it lies here, in the sources and in a build.

/**
 * @typedef {import('./protocol.js').Protocol} Protocol
 * @typedef {import('./protocol.js').Request} Request
 * @typedef {import('./protocol.js').Feed} Feed
 * @typedef {Pick<typeof import('onnxruntime-node'), 'InferenceSession' | 'Tensor'>} Runtime
 * @typedef {{
 *   ort: Runtime,
 *   version: string,
 *   session: import('onnxruntime-node').InferenceSession.SessionOptions,
 *   config: Record<string, string>,
 *   preallocated: boolean,
 * }} Started `config`: further session options by their names without `session.`; `preallocated`: the runtime writes into the arrays that a run brings for its outputs.
 */

/** An error that names its reason to the other side. */
export class StartError extends Error {
  /**
   * @param {'not-installed' | 'no-device'} reason
   * @param {string} message
   */
  constructor(reason, message) {
    super(message);
    this.reason = reason;
  }
}

/**
 * Fails where the device does not work: only a session shows that.
 *
 * @param {Runtime} ort
 * @param {Started['session']} options
 */
export async function probe(ort, options) {
  // A ModelProto of IR version 9, operators version 20: y = Identity(x), x float32 [1].
  const hex =
    '08093a370a100a017812017922084964656e746974791201675a0f0a0178120a0a08080112040a02080162' +
    '0f0a0179120a0a08080112040a02080142040a001014';
  const bytes = Uint8Array.from(hex.match(/../g) ?? [], (byte) => Number.parseInt(byte, 16));
  const session = await ort.InferenceSession.create(bytes, options).catch((error) => {
    throw new StartError('no-device', error.message);
  });
  await session.release();
}

/**
 * Answers requests one after the other, in the order in which they come.
 *
 * @param {(args: Protocol['start']['args']) => Promise<Started>} start loads the runtime
 * @param {(reply: import('./protocol.js').Reply, transfer: ArrayBuffer[]) => void} post
 * @returns {(request: Request) => void}
 */
export function serve(start, post) {
  const host = createHost(start);
  let queue = Promise.resolve();
  return ({ id, method, args }) => {
    queue = queue.then(async () => {
      try {
        /** @type {{ result: unknown, transfer?: ArrayBuffer[] }} */
        const { result, transfer = [] } = await host[method](/** @type {any} */ (args));
        post({ id, result }, transfer);
      } catch (error) {
        const { message = String(error), reason } = /** @type {any} */ (error) ?? {};
        post({ id, failure: { message, ...(reason && { reason }) } }, []);
      }
    });
  };
}

/** @param {(args: Protocol['start']['args']) => Promise<Started>} start */
function createHost(start) {
  /** @type {Started} */
  let runtime;
  /** @type {Map<number, import('onnxruntime-node').InferenceSession>} */
  const sessions = new Map();
  /** @type {Map<number, Float32Array>} */
  const regions = new Map();
  let next = 1;

  /** @param {Feed} feed */
  const toTensor = (feed) => {
    const { Tensor } = runtime.ort;
    if (!('region' in feed))
      return new Tensor(feed.dtype, /** @type {any} */ (feed.data), feed.shape);
    const length = feed.shape.reduce((product, size) => product * size, 1);
    const region = /** @type {Float32Array} */ (regions.get(feed.region));
    return new Tensor('float32', region.subarray(feed.offset, feed.offset + length), feed.shape);
  };

  return {
    /** @param {Protocol['start']['args']} args */
    async start(args) {
      runtime = await start(args);
      return { result: { version: runtime.version } };
    },
    /** @param {Protocol['open']['args']} args */
    async open({ bytes, config, externalData }) {
      const session = await runtime.ort.InferenceSession.create(bytes, {
        ...runtime.session,
        extra: { session: { ...runtime.config, ...config } },
        ...(externalData && { externalData }),
      });
      sessions.set(next, session);
      return { result: { session: next++ } };
    },
    /** @param {Protocol['run']['args']} args */
    async run({ session: id, inputs, into }) {
      const session = /** @type {import('onnxruntime-node').InferenceSession} */ (sessions.get(id));
      const map = (/** @type {Record<string, Feed>} */ feeds) =>
        Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, toTensor(feed)]));
      const targets = map(into);
      const fetches = Object.fromEntries(session.outputNames.map((name) => [name, null]));
      const outputs = await session.run(
        map(inputs),
        runtime.preallocated ? { ...fetches, ...targets } : fetches,
      );
      const result = Object.fromEntries(
        Object.entries(outputs)
          .filter(([name]) => !(name in into))
          .map(([name, { type, dims, data }]) => [name, { dtype: type, shape: [...dims], data }]),
      );
      if (!runtime.preallocated) {
        for (const [name, { data }] of Object.entries(targets)) {
          /** @type {Float32Array} */ (data).set(/** @type {any} */ (outputs[name]?.data));
        }
      }
      return {
        result,
        transfer: Object.values(result).map(({ data }) => /** @type {any} */ (data).buffer),
      };
    },
    /** @param {Protocol['close']['args']} args */
    async close({ session }) {
      await sessions.get(session)?.release();
      sessions.delete(session);
      return { result: undefined };
    },
    /** @param {Protocol['reserve']['args']} args */
    async reserve({ length }) {
      regions.set(next, new Float32Array(length));
      return { result: { region: next++ } };
    },
    /** @param {Protocol['write']['args']} args */
    async write({ region, offset, values }) {
      regions.get(region)?.set(values, offset);
      return { result: undefined };
    },
    /** @param {Protocol['read']['args']} args */
    async read({ region, offset, length }) {
      const result = /** @type {Float32Array<ArrayBuffer>} */ (
        regions.get(region)?.slice(offset, offset + length)
      );
      return { result, transfer: [result.buffer] };
    },
    /** @param {Protocol['free']['args']} args */
    async free({ region }) {
      regions.delete(region);
      return { result: undefined };
    },
  };
}

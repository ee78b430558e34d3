// Entry of the worker in a browser.
import { probe, StartError, serve } from './host.js';

const receive = serve(start, (reply, transfer) => self.postMessage(reply, { transfer }));
self.addEventListener('message', ({ data }) => receive(data));

/**
 * @param {import('./protocol.js').Protocol['start']['args']} args
 * @returns {Promise<import('./host.js').Started>}
 */
async function start({ threads, device, wasmPaths }) {
  /** @type {Record<string, { load: () => Promise<typeof import('onnxruntime-web')>, file: string, provider: string }>} */
  const devices = {
    cpu: {
      load: () => import('onnxruntime-web/wasm'),
      file: 'ort-wasm-simd-threaded.wasm',
      provider: 'wasm',
    },
    webgpu: {
      load: () => import('onnxruntime-web/webgpu'),
      file: 'ort-wasm-simd-threaded.asyncify.wasm',
      provider: 'webgpu',
    },
  };
  const chosen = devices[device];
  if (!chosen) throw new StartError('no-device', `one for ${Object.keys(devices).join(', ')}`);
  const { load, file, provider } = chosen;
  const ort = await load().catch((error) => {
    throw new StartError('not-installed', error.message);
  });
  ort.env.logLevel = 'fatal'; // what goes wrong is thrown as well
  ort.env.wasm.numThreads = threads;
  const wasm = typeof wasmPaths === 'string' ? wasmPaths + file : wasmPaths?.[file];
  if (wasm !== undefined) ort.env.wasm.wasmPaths = { wasm };
  /** @type {import('./host.js').Started['session']} */
  const session = { executionProviders: [provider], graphOptimizationLevel: 'all' };
  await probe(ort, session);
  return {
    ort,
    version: `onnxruntime-web ${ort.env.versions.web}`,
    preallocated: false,
    session,
    config: {},
  };
}

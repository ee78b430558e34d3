// Entry of the worker thread in Node.
import { parentPort } from 'node:worker_threads';
import { probe, StartError, serve } from './host.js';

const port = /** @type {import('node:worker_threads').MessagePort} */ (parentPort);
port.on(
  'message',
  serve(start, (reply, transfer) => port.postMessage(reply, transfer)),
);

/**
 * @param {import('./protocol.js').Protocol['start']['args']} args
 * @returns {Promise<import('./host.js').Started>}
 */
async function start({ threads, device }) {
  const { default: ort } = await import('onnxruntime-node').catch((error) => {
    throw new StartError('not-installed', error.message);
  });
  ort.env.logLevel = 'fatal'; // what goes wrong is thrown as well
  const devices = ort.listSupportedBackends().map(({ name }) => name);
  if (!devices.includes(device)) {
    throw new StartError('no-device', `one for ${devices.join(', ')}`);
  }
  /** @type {import('./host.js').Started['session']} */
  const session = {
    executionProviders: [device],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
  };
  if (device !== 'cpu') await probe(ort, session);
  return {
    ort,
    version: `onnxruntime-node ${ort.env.versions.node}`,
    preallocated: true,
    session,
    // Threads that wait for work by spinning take the processor from the other sessions and from the
    // program: measured, half of all time on a busy machine.
    // The moments of what seldom has a gradient fade until they are denormal, with which processors
    // take a hundred times as long.
    config: { 'intra_op.allow_spinning': '0', set_denormal_as_zero: '1' },
  };
}

/**
 * One process of the benchmark `ranks`: `node rank-process.js THREADS SECONDS`. Trains until so long has
 * gone by since the first steps; rank 0 prints samples per second.
 */
import { onnx } from '@imglish/backend-onnx/node';
import { wasm } from '@imglish/backend-wasm/node';
import { disposeAll, initializeParameters, preset } from '@imglish/core';
import { mpiEnvironment } from '@imglish/mpi';
import { openMpi } from '@imglish/mpi/node';
import { pretrainSpecs } from '@imglish/pretrain';
import { soloCommunicator, train } from '@imglish/train';
import { CODES, randomBatch, trainOptions } from './train-job.js';

/** Pairs that each process has in a step. */
const BATCH = 32;
/** Steps that are not timed, and fewest that are. */
const WARM_UP = 3;
const TIMED = 3;

const [threads, seconds] = process.argv.slice(2).map(Number) as [number, number];
const communicator = mpiEnvironment(process.env) ? await openMpi() : soloCommunicator();
const config = { ...preset('small'), variant: 'released' as const, fusionLayers: 0 };
const backend = await onnx(await wasm(), { threads });
const parameters = initializeParameters(pretrainSpecs(config, CODES), 0);
const controller = new AbortController();
let begun = 0;
let [steps, samples] = [0, 0];
const { state } = await train({
  ...trainOptions(config, parameters, randomBatch(config, BATCH)),
  communicator,
  compiler: backend.compiler!,
  signal: controller.signal,
  onStep: ({ samples: inStep }) => {
    steps += 1;
    if (steps <= WARM_UP) begun = performance.now();
    else samples += inStep;
    const elapsed = (performance.now() - begun) / 1000;
    if (communicator.rank > 0 || steps < WARM_UP + TIMED || elapsed < seconds) return;
    // As text: mpirun gives its processes a terminal, where a number would be coloured.
    console.log(String(samples / elapsed));
    controller.abort();
  },
});
disposeAll(state.parameters);
disposeAll(parameters);
await communicator.close();
backend.dispose();

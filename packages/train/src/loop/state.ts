import { type Parameters, TrainError } from '@imglish/core';
import { type Tensor, zeros } from '@tensorflow/tfjs-core';
import type { Communicator } from '../communicator/communicator.js';
import { broadcastTensors } from '../communicator/tensors.js';
import type { Moments } from '../optimizer/adamw.js';
import type { Run, TrainState } from './contracts.js';

/** New tensors that share the data of the given ones. */
export function cloneParameters(parameters: Parameters): Record<string, Tensor> {
  return Object.fromEntries(
    Object.entries(parameters).map(([name, tensor]) => [name, tensor.clone()]),
  );
}

/**
 * Where training begins: the run's last checkpoint, or step 0 with the given parameters, which are
 * taken over. Every rank gets what rank 0 has.
 */
export async function initialState(
  parameters: Record<string, Tensor>,
  run: Run | undefined,
  communicator: Communicator,
): Promise<TrainState> {
  const restored = await run?.restore().catch((error) => {
    disposeAll(parameters);
    throw error;
  });
  if (!restored) return shareState({ step: 0, parameters, moments: {} }, communicator);
  try {
    assertSameShapes(restored, parameters);
  } catch (error) {
    disposeState(restored);
    throw error;
  } finally {
    disposeAll(parameters);
  }
  // In the order of the model: a sum over parameters must not depend on the order of a file.
  const inOrder = Object.keys(parameters).map((name) => [name, restored.parameters[name]!]);
  return shareState({ ...restored, parameters: Object.fromEntries(inOrder) }, communicator);
}

export function disposeState({ parameters, moments }: TrainState): void {
  disposeAll(parameters);
  for (const { m, v } of Object.values(moments)) {
    m.dispose();
    v.dispose();
  }
}

function disposeAll(tensors: Parameters): void {
  for (const tensor of Object.values(tensors)) tensor.dispose();
}

/** Rank 0's state on every rank; takes over `state`. */
async function shareState(state: TrainState, communicator: Communicator): Promise<TrainState> {
  if (communicator.size === 1) return state;
  const names = Object.keys(state.parameters);
  const [step, ...updates] = await communicator.broadcast([
    state.step,
    ...names.map((name) => state.moments[name]?.step ?? 0),
  ]);
  const parameters = await broadcastTensors(communicator, { ...state.parameters });
  const moments: Record<string, Moments> = {};
  for (const [i, name] of names.entries()) {
    if (updates[i] === 0) continue;
    const { shape } = parameters[name]!;
    const { m, v } = state.moments[name] ?? { m: zeros(shape), v: zeros(shape) };
    const shared = await broadcastTensors(communicator, { m, v });
    moments[name] = { step: updates[i]!, m: shared.m!, v: shared.v! };
  }
  return { step: step!, parameters, moments };
}

function assertSameShapes(restored: TrainState, parameters: Parameters): void {
  const names = new Set([...Object.keys(parameters), ...Object.keys(restored.parameters)]);
  const wrong = [...names].flatMap((name) => {
    const wanted = parameters[name]?.shape.join();
    const found = restored.parameters[name]?.shape.join();
    if (wanted === found) return [];
    return [
      `${name}: wanted ${wanted === undefined ? 'nothing' : `[${wanted}]`}, found ${found === undefined ? 'nothing' : `[${found}]`}`,
    ];
  });
  if (wrong.length > 0) {
    throw new TrainError({
      code: 'train/state',
      where: 'train',
      expected: 'a checkpoint with the parameters of this model',
      got: wrong.join('; '),
    });
  }
}

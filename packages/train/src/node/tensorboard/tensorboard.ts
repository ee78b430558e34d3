import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { StepMetrics } from '../../loop/contracts.js';
import type { Observer } from '../observer.js';
import { type EventContent, event } from './event.js';
import { record } from './record.js';

export interface TensorBoardOptions {
  /** A clock in milliseconds since 1970. */
  now?: () => number;
}

let files = 0;

/**
 * Writes learning curves for TensorBoard: `tensorboard --logdir FOLDER`. Each process writes an event
 * file of its own; a run that goes on says from which step on the earlier ones do not count.
 *
 * Tags: `loss/STREAM`, `loss/total`, `optimizer/learning rate`, `optimizer/gradient norm`,
 * `speed/samples per second`.
 */
export function tensorBoard(folder: string, options: TensorBoardOptions = {}): Observer {
  const { now = () => Date.now() } = options;
  let file: FileHandle | undefined;
  const write = async (step: number, content: EventContent): Promise<void> => {
    await file!.appendFile(record(event(now() / 1000, step, content)));
  };
  return {
    async begin(step) {
      await mkdir(folder, { recursive: true });
      const seconds = Math.floor(now() / 1000);
      const name = `events.out.tfevents.${seconds}.${hostname()}.${process.pid}.${files++}`;
      file = await open(join(folder, name), 'ax');
      await write(0, { fileVersion: 'brain.Event:2' });
      if (step > 0) await write(step + 1, { sessionStart: true });
    },
    step: (metrics) => write(metrics.step, { scalars: scalarsOf(metrics) }),
    async close() {
      await file?.close();
    },
  };
}

function scalarsOf({
  losses,
  total,
  lr,
  gradientNorm,
  timing,
}: StepMetrics): Record<string, number> {
  const streams = Object.entries(losses).map(([stream, loss]) => [`loss/${stream}`, loss] as const);
  return {
    ...Object.fromEntries(streams),
    'loss/total': total,
    'optimizer/learning rate': lr,
    'optimizer/gradient norm': gradientNorm,
    'speed/samples per second': timing.samplesPerSecond,
  };
}

import { constants } from 'node:os';
import { join } from 'node:path';
import type { Guards, StoredMoments } from '@imglish/train';
import {
  type FolderRun,
  type Observer,
  openRun,
  type Retention,
  tensorBoard,
} from '@imglish/train/node';
import { type Command, Option } from 'commander';
import { LIVE_PORT, liveServer } from '../live/live-server.js';
import { integer, positive } from './options.js';

/** What the commands that train have in common. */
export interface RunOptions {
  every: number;
  keep: number;
  keepMultiples?: number;
  keepBest?: number;
  shardSize?: number;
  moments: StoredMoments;
  tensorboard?: boolean;
  live?: number | true;
  dataTimeout?: number;
  stopExploding?: boolean;
}

export function addRunOptions(command: Command): Command {
  return command
    .option('--every <steps>', 'steps between two checkpoints', integer(1), 100)
    .option('--keep <count>', 'latest checkpoints that are kept', integer(1), 3)
    .option('--keep-multiples <steps>', 'keeps every checkpoint at a multiple of this', integer(1))
    .option('--keep-best <count>', 'keeps so many checkpoints with the lowest loss', integer(1))
    .option('--shard-size <bytes>', 'largest file of a checkpoint; by default 5e9', positive)
    .addOption(
      new Option('--moments <type>', "as what checkpoints store AdamW's moments")
        .choices(['float32', 'bfloat16'])
        .default('float32'),
    )
    .option('--tensorboard', 'learning curves for TensorBoard, too: its --logdir is --out')
    .option(
      '--live [port]',
      `serves a page with curves, speed and warnings on this machine; by default port ${LIVE_PORT}`,
      integer(0),
    )
    .option('--data-timeout <seconds>', 'ends the run if a batch takes longer', positive)
    .option('--stop-exploding', 'ends the run where the gradient norm explodes, not only warns');
}

/** Where and of what a run is. */
export interface RunPlan {
  /** The folder that is given as `--out`. */
  out: string;
  title: string;
  config: unknown;
  seed: number;
  /** Updates of the whole run. */
  steps: number;
}

/** Opens the run in `OUT/run`, with whatever is to watch it. */
export async function openWatchedRun(plan: RunPlan, options: RunOptions): Promise<FolderRun> {
  const { out, title, config, seed, steps } = plan;
  const { every, shardSize } = options;
  const observers: Observer[] = [];
  if (options.tensorboard) observers.push(tensorBoard(join(out, 'tensorboard')));
  if (options.live !== undefined) {
    const port = options.live === true ? LIVE_PORT : options.live;
    const live = await liveServer({ title, total: steps, port });
    console.error(`live at ${live.url}`);
    observers.push(live);
  }
  const settings = { ...{ config, seed, every, observers }, keep: retentionOf(options) };
  try {
    return await openRun(join(out, 'run'), {
      ...settings,
      ...(shardSize === undefined ? {} : { shardBytes: shardSize }),
    });
  } catch (error) {
    for (const observer of observers) await observer.close?.();
    throw error;
  }
}

/** What a run is watched for. */
export function guardsOf({ dataTimeout, stopExploding = false }: RunOptions): Guards {
  return {
    norms: { action: stopExploding ? 'stop' : 'warn' },
    ...(dataTimeout === undefined ? {} : { patience: { failAfter: dataTimeout } }),
  };
}

/**
 * What a command exits with that was told to stop before its last step, 128 and the number of the
 * signal, as shells have it: what follows a finished run must not follow this one.
 */
export function stoppedExitCode({ reason }: AbortSignal): number {
  return 128 + (constants.signals[reason as NodeJS.Signals] ?? constants.signals.SIGTERM);
}

function retentionOf({ keep, keepMultiples, keepBest }: RunOptions): Retention {
  return { last: keep, multiplesOf: keepMultiples, best: keepBest };
}

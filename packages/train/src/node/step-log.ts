import { type FileHandle, open } from 'node:fs/promises';
import type { StepMetrics } from '../loop/contracts.js';

/** One line of JSON per step, appended. */
export interface StepLog {
  append(metrics: StepMetrics): Promise<void>;
  /** Removes every line after `step`, and a last one that was cut off by a crash; shows what stays. */
  cutAfter(step: number, kept?: (metrics: StepMetrics) => void): Promise<void>;
  /** Makes the lines so far durable. */
  flush(): Promise<void>;
  close(): Promise<void>;
}

export async function openStepLog(path: string): Promise<StepLog> {
  const handle = await open(path, 'a+');
  return {
    async append(metrics: StepMetrics): Promise<void> {
      await handle.appendFile(`${JSON.stringify(metrics)}\n`);
    },
    async cutAfter(step: number, kept?: (metrics: StepMetrics) => void): Promise<void> {
      await handle.truncate(await endOfStep(handle, step, kept));
    },
    flush: () => handle.datasync(),
    close: () => handle.close(),
  };
}

/** Bytes of the complete lines up to and including `step`. */
async function endOfStep(
  handle: FileHandle,
  step: number,
  kept?: (metrics: StepMetrics) => void,
): Promise<number> {
  const buffer = new Uint8Array(2 ** 16);
  let line: Uint8Array[] = [];
  let position = 0;
  let end = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, 0, buffer.byteLength, position);
    if (bytesRead === 0) return end;
    const chunk = buffer.slice(0, bytesRead);
    let from = 0;
    for (let newline = chunk.indexOf(10); newline >= 0; newline = chunk.indexOf(10, from)) {
      line.push(chunk.subarray(from, newline));
      const metrics = metricsOf(Buffer.concat(line).toString());
      if (!metrics || !(metrics.step <= step)) return end;
      kept?.(metrics);
      line = [];
      from = newline + 1;
      end = position + from;
    }
    line.push(chunk.subarray(from));
    position += bytesRead;
  }
}

function metricsOf(line: string): StepMetrics | undefined {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}

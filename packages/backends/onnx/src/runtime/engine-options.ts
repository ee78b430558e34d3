import { ConfigError } from '@imglish/core';
import type { Device } from './engine.js';

const DEVICES: readonly Device[] = ['cpu', 'webgpu', 'cuda'];

/** @throws ConfigError `config/threads`, `config/device` */
export function checkOptions(threads: number, device: Device): void {
  if (!Number.isSafeInteger(threads) || threads < 1) {
    throw new ConfigError({
      code: 'config/threads',
      where: 'onnx',
      expected: 'threads: a whole number above 0',
      got: String(threads),
    });
  }
  if (!DEVICES.includes(device)) {
    throw new ConfigError({
      code: 'config/device',
      where: 'onnx',
      expected: `device: one of ${DEVICES.join(', ')}`,
      got: String(device),
    });
  }
}

/** `name version, device, threads`, and where. */
export function describeEngine(
  version: string,
  device: Device,
  threads: number,
  ...where: string[]
): string {
  return [version, device, `${threads} thread${threads === 1 ? '' : 's'}`, ...where].join(', ');
}

import { auto } from '@imglish/backend-auto/node';
import { ops } from '@imglish/core';
import { ones, type Tensor2D, tidy, version_core } from '@tensorflow/tfjs-core';
import type { Command } from 'commander';

/** What there is to find out about a backend. */
interface BackendReport {
  name: string;
  available: boolean;
  /** Why it is not available. */
  reason?: string;
  /** Billions of floating-point operations per second, of one product of 512 × 512 matrices. */
  gflops?: number;
}

const BACKENDS = ['wasm', 'cpu'];
const SIZE = 512;
const ROUNDS = 5;

/** `imglish doctor`: what this machine can run Imglish on, and how fast. */
export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what this machine can run Imglish on, and how fast')
    .option('--json', 'for programs')
    .action(async (options: { json?: boolean }) => {
      const { node } = process.versions;
      const [major, minor] = node.split('.').map(Number) as [number, number];
      const supported = major > 20 || (major === 20 && minor >= 19);
      const backends: BackendReport[] = [];
      for (const name of BACKENDS) backends.push(await examine(name));
      const chosen = await auto();
      chosen.backend.dispose();
      const optional = await examineOptional();
      if (options.json) {
        console.log(
          JSON.stringify({
            node: { version: node, supported },
            tfjs: version_core,
            platform: `${process.platform}-${process.arch}`,
            backends,
            auto: chosen.backend.name,
            optional,
          }),
        );
      } else {
        console.log(`Node ${node}${supported ? '' : '  (20.19 or newer is needed)'}`);
        console.log(`tfjs-core ${version_core}, one copy`);
        console.log(`platform ${process.platform}-${process.arch} (tested on Linux)`);
        for (const backend of backends) console.log(backendLine(backend));
        console.log(`auto takes ${chosen.backend.name}`);
        for (const { name, found, use } of optional) {
          console.log(`${name}: ${found ? 'found' : 'not found'} (${use})`);
        }
      }
      process.exitCode = supported && backends.some(({ available }) => available) ? 0 : 1;
    });
}

async function examine(name: string): Promise<BackendReport> {
  try {
    const { backend } = await auto({ backend: name });
    const gflops = await measure();
    backend.dispose();
    return { name, available: true, gflops };
  } catch (error) {
    return { name, available: false, reason: (error as Error).message };
  }
}

/** The median of several products after one that warms up. */
async function measure(): Promise<number> {
  const a = ones([SIZE, SIZE]) as Tensor2D;
  const seconds: number[] = [];
  for (let round = 0; round <= ROUNDS; round++) {
    const start = performance.now();
    const product = tidy(() => ops.matMul(a, a));
    await product.data();
    product.dispose();
    if (round > 0) seconds.push((performance.now() - start) / 1000);
  }
  a.dispose();
  const median = seconds.sort((x, y) => x - y)[Math.floor(ROUNDS / 2)]!;
  return Number(((2 * SIZE ** 3) / median / 1e9).toPrecision(3));
}

function backendLine({ name, available, reason, gflops }: BackendReport): string {
  return available
    ? `backend ${name}: ${gflops} GFLOP/s (product of ${SIZE} × ${SIZE} matrices)`
    : `backend ${name}: not available, ${reason}`;
}

/** Packages that are not needed, and what they are for. */
async function examineOptional(): Promise<{ name: string; found: boolean; use: string }[]> {
  const found = await import('sharp').then(
    () => true,
    () => false,
  );
  return [{ name: 'sharp', found, use: 'draws the emoji, reads WebP and SVG' }];
}

import { auto } from '@imglish/backend-auto/node';
import {
  type Compiler,
  disposeAll,
  executorFor,
  type HostTensor,
  ops,
  type Traceable,
} from '@imglish/core';
import { fill, type Tensor2D, version_core } from '@tensorflow/tfjs-core';
import type { Command } from 'commander';

/** What there is to find out about a backend. */
interface BackendReport {
  name: string;
  available: boolean;
  /** Why it is not available. */
  reason?: string;
  /** Billions of floating-point operations per second, in products of 512 × 512 matrices. */
  gflops?: number;
  /** The engine that functions are compiled for: version, device, threads. */
  engine?: string;
  /** Where that engine could run; those not bundled need libraries of the system. */
  devices?: { name: string; bundled: boolean }[];
}

const BACKENDS = ['onnx', 'wasm', 'cpu'];
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
        for (const line of backends.flatMap(backendLines)) console.log(line);
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
    try {
      const { compiler } = backend;
      const gflops = await measure(compiler);
      const engine = compiler && { engine: compiler.description, devices: await onnxDevices() };
      return { name, available: true, gflops, ...engine };
    } finally {
      backend.dispose();
    }
  } catch (error) {
    return { name, available: false, reason: (error as Error).message };
  }
}

/** The median of several runs after one that warms up. */
async function measure(compiler: Compiler | undefined): Promise<number> {
  // A compiled function is given more to do at once: its values travel to another thread and back.
  const products = compiler ? 16 : 1;
  const f: Traceable = ({ x }, { weight }) => {
    let y = x as Tensor2D;
    for (let i = 0; i < products; i++) y = ops.matMul(y, weight as Tensor2D);
    return { y };
  };
  const parameters = { weight: fill([SIZE, SIZE], 1 / SIZE) };
  const executor = executorFor({ ...(compiler ? { compiler } : {}) }, parameters);
  const data = new Float32Array(SIZE * SIZE).fill(1);
  const inputs: { x: HostTensor } = { x: { dtype: 'float32', shape: [SIZE, SIZE], data } };
  const seconds: number[] = [];
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const start = performance.now();
      await executor.run(f, inputs);
      if (round > 0) seconds.push((performance.now() - start) / 1000);
    }
  } finally {
    await executor.dispose();
    disposeAll(parameters);
  }
  const median = seconds.sort((x, y) => x - y)[Math.floor(ROUNDS / 2)]!;
  return Number(((products * 2 * SIZE ** 3) / median / 1e9).toPrecision(3));
}

async function onnxDevices(): Promise<{ name: string; bundled: boolean }[]> {
  const { listSupportedBackends } = await import('onnxruntime-node');
  return listSupportedBackends().map(({ name, bundled }) => ({ name, bundled }));
}

/** What is said of a backend: a line, and one more of an engine that compiles. */
function backendLines({
  name,
  available,
  reason,
  gflops,
  engine,
  devices,
}: BackendReport): string[] {
  if (!available) return [`backend ${name}: not available, ${reason}`];
  const how = engine ? 'compiled ' : '';
  const rate = `backend ${name}: ${gflops} GFLOP/s (${how}products of ${SIZE} × ${SIZE} matrices)`;
  if (!engine || !devices) return [rate];
  const where = devices.map((device) => `${device.name}${device.bundled ? '' : ' (not bundled)'}`);
  return [rate, `  ${engine}; devices: ${where.join(', ')}`];
}

/** Packages that are not needed, and what they are for. */
async function examineOptional(): Promise<{ name: string; found: boolean; use: string }[]> {
  const works = (attempt: Promise<unknown>): Promise<boolean> =>
    attempt.then(
      () => true,
      () => false,
    );
  const mpi = import('@imglish/mpi/node').then(({ findLibMpi, loadLibMpi }) =>
    loadLibMpi(findLibMpi()),
  );
  return [
    {
      name: 'sharp',
      found: await works(import('sharp')),
      use: 'draws the emoji, reads WebP and SVG',
    },
    { name: 'Open MPI', found: await works(mpi), use: 'pretraining on many processes' },
  ];
}

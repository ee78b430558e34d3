import { type Result, table } from './compare.js';
import { wasmKernels } from './wasm-kernels.js';
import { wasmStep } from './wasm-step.js';

const benchmarks: Readonly<Record<string, () => Promise<Result[]>>> = {
  'wasm-kernels': wasmKernels,
  'wasm-step': wasmStep,
};

const [name = '', ...options] = process.argv.slice(2);
const benchmark = benchmarks[name];
const unknown = options.find((option) => option !== '--json');
if (!benchmark || unknown) {
  console.error(`usage: bench NAME [--json]; NAME is one of ${Object.keys(benchmarks).join(', ')}`);
  process.exitCode = 2;
} else {
  const results = await benchmark();
  console.log(options.includes('--json') ? JSON.stringify(results, null, 2) : table(results));
}

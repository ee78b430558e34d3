// Compiles assembly/*.ts (AssemblyScript) to generated/kernels.js, a module that holds the bytes.
//
// The kernels import the memory of tfjs-backend-wasm and work on it in place. They must not bring data
// of their own: a data segment would be written over tfjs's.
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const SOURCES = new URL('../assembly/', import.meta.url);
const OUT = new URL('../generated/', import.meta.url);

async function compileKernels() {
  const kernels = await compile(['simd']);
  const relaxedKernels = await compile(['simd', 'relaxed-simd']);
  const base64 = (bytes) => Buffer.from(bytes).toString('base64');
  await mkdir(OUT, { recursive: true });
  await writeFile(
    new URL('kernels.d.ts', OUT),
    `/** The WebAssembly module of assembly/, in base64. */
export declare const kernels: string;
/** The same with products and sums fused, for engines that have relaxed SIMD. */
export declare const relaxedKernels: string;
`,
  );
  await writeFile(
    new URL('kernels.js', OUT),
    `export const kernels =\n  '${base64(kernels)}';\nexport const relaxedKernels =\n  '${base64(relaxedKernels)}';\n`,
  );
  console.log(`kernels.js: ${kernels.length} and ${relaxedKernels.length} bytes of WebAssembly`);
}

async function compile(features) {
  let bytes;
  const { error, stderr } = await main(
    [
      fileURLToPath(new URL('index.ts', SOURCES)),
      ...['--outFile', 'kernels.wasm', '--runtime', 'stub', '--importMemory', '--noExportMemory'],
      ...['bulk-memory', ...features].flatMap((feature) => ['--enable', feature]),
      ...['--optimizeLevel', '3', '--noAssert', '--disableWarning', '112'],
    ],
    {
      writeFile: (name, contents) => {
        if (name === 'kernels.wasm') bytes = contents;
      },
    },
  );
  if (error) throw new Error(`the kernels do not compile:\n${stderr}`);
  if (hasData(bytes)) throw new Error('the kernels bring data that would overwrite tfjs memory');
  return bytes;
}

/** Whether the binary has a data section (id 11). */
function hasData(bytes) {
  let at = 8;
  while (at < bytes.length) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0, more = true; more; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 0x7f) << shift;
      more = byte >= 0x80;
    }
    if (id === 11 && bytes[at] > 0) return true;
    at += size;
  }
  return false;
}

const modified = (file) =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );

/** Compiles when the file is missing or older than a source. The hook of vitest's `globalSetup`. */
export default async function compileKernelsIfStale() {
  const made = await modified(new URL('kernels.js', OUT));
  const sources = (await readdir(SOURCES)).map((name) => new URL(name, SOURCES));
  const times = await Promise.all([fileURLToPath(import.meta.url), ...sources].map(modified));
  if (made < Math.max(...times)) await compileKernels();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await compileKernelsIfStale();

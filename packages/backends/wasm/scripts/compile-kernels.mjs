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
  let bytes;
  const { error, stderr } = await main(
    [
      fileURLToPath(new URL('index.ts', SOURCES)),
      ...['--outFile', 'kernels.wasm', '--runtime', 'stub', '--importMemory', '--noExportMemory'],
      ...['--enable', 'simd', '--enable', 'bulk-memory', '--optimizeLevel', '3', '--noAssert'],
      ...['--converge', '--disableWarning', '112'],
    ],
    {
      writeFile: (name, contents) => {
        if (name === 'kernels.wasm') bytes = contents;
      },
    },
  );
  if (error) throw new Error(`the kernels do not compile:\n${stderr}`);
  if (hasData(bytes))
    throw new Error('the kernels bring data that would overwrite the memory of tfjs');
  await mkdir(OUT, { recursive: true });
  await writeFile(
    new URL('kernels.d.ts', OUT),
    '/** The WebAssembly module of assembly/, in base64. */\nexport declare const kernels: string;\n',
  );
  const base64 = Buffer.from(bytes).toString('base64');
  await writeFile(new URL('kernels.js', OUT), `export const kernels =\n  '${base64}';\n`);
  console.log(`kernels.js: ${bytes.length} bytes of WebAssembly`);
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

if (process.argv[1] === fileURLToPath(import.meta.url)) await compileKernels();

// Writes generated/tfjs-gradients.js: the gradients of tfjs-core as one module without an engine of its own.
//
// tfjs-core's Node entry leaves its gradients out, and its `dist/gradients/*` cannot be imported
// natively. Bundled with everything they import they would bring a second environment along, so only
// the gradients and the few ops that tfjs keeps private are bundled; every other module they import
// is replaced by the same names of the public entry, which stays external.
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ENTRY = '@tensorflow/tfjs-core';
const OUT = new URL('../generated/', import.meta.url);
const require = createRequire(import.meta.url);
const tf = require(ENTRY);
const dist = join(dirname(require.resolve(`${ENTRY}/package.json`)), 'dist');

/** Modules whose exports the public entry offers inside a namespace. */
const NAMESPACES = {
  util: 'util',
  util_base: 'util',
  broadcast_util: 'broadcast_util',
  slice_util: 'slice_util',
  axis_util: 'backend_util',
  conv_util: 'backend_util',
  selu_util: 'backend_util',
};

/** Other modules, as the gradients use them. */
const REPLACEMENTS = {
  base: `export { backend_util } from '${ENTRY}';`,
  // Asked for when called, so that importing does nothing.
  engine: `import { engine } from '${ENTRY}';
export const ENGINE = { runKernel: (...args) => engine().runKernel(...args) };`,
  // Gradients hand tensors only to the private ops, so there is nothing to convert.
  tensor_util_env: 'export const convertToTensor = (tensor) => tensor;',
};

/** What replaces a module of tfjs-core, or undefined when it has to be bundled. */
async function replacementOf(file) {
  const name = basename(file, '.js');
  if (file.includes('/gradients/')) return undefined;
  if (name in REPLACEMENTS) return REPLACEMENTS[name];
  if (name in NAMESPACES) {
    const namespace = NAMESPACES[name];
    return [
      `import { ${namespace} } from '${ENTRY}';`,
      ...Object.keys(tf[namespace]).map(
        (key) => `export const ${key} = /* @__PURE__ */ (() => ${namespace}.${key})();`,
      ),
    ].join('\n');
  }
  const source = await readFile(file, 'utf8');
  const names = [...source.matchAll(/^export (?:const|function|class) (\w+)/gm)]
    .map(([, key]) => key)
    .filter((key) => key in tf);
  return names.length > 0 ? `export { ${names.join(', ')} } from '${ENTRY}';` : undefined;
}

const routeToPublicEntry = {
  name: 'route-to-public-entry',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^\./ }, async ({ path, resolveDir }) => {
      const file = join(resolveDir, `${path}.js`);
      const contents = await replacementOf(file);
      if (!contents) return { path: file };
      return { path: relative(dist, file), namespace: 'public', pluginData: contents };
    });
    onLoad({ filter: /.*/, namespace: 'public' }, ({ pluginData }) => ({
      contents: pluginData,
      resolveDir: dist,
    }));
  },
};

/** Bundles the gradients; throws when anything but gradients and private ops would come along. */
async function bundleGradients() {
  const registrations = await readFile(join(dist, 'register_all_gradients.js'), 'utf8');
  const imports = [...registrations.matchAll(/^import { (\w+) } from '(\.\/gradients\/\w+)';$/gm)];
  const result = await build({
    stdin: {
      contents: [
        ...imports.map(([statement]) => statement),
        `export const gradients = [${imports.map(([, name]) => name).join(', ')}];`,
        `export const version = '${tf.version_core}';`,
      ].join('\n'),
      resolveDir: dist,
    },
    absWorkingDir: dist,
    bundle: true,
    write: false,
    metafile: true,
    format: 'esm',
    target: 'es2022',
    external: [ENTRY],
    banner: { js: `// From ${ENTRY} ${tf.version_core}, (c) Google LLC, Apache-2.0. Generated.` },
    plugins: [routeToPublicEntry],
  });
  const strays = Object.keys(result.metafile.inputs).filter(
    (input) => !/^(public:|<stdin>|gradients\/|ops\/\w+_(grad|backprop\w*)\.js)/.test(input),
  );
  if (strays.length > 0) throw new Error(`tfjs gradients would bring along ${strays.join(', ')}`);
  const [{ text }] = result.outputFiles;
  await mkdir(OUT, { recursive: true });
  await writeFile(
    new URL('tfjs-gradients.d.ts', OUT),
    `import type { GradConfig } from '${ENTRY}';
export declare const gradients: readonly GradConfig[];
/** The version of tfjs-core that they come from. */
export declare const version: string;
`,
  );
  await writeFile(new URL('tfjs-gradients.js', OUT), text);
  console.log(
    `tfjs-gradients.js: ${imports.length} gradients, ${Math.round(text.length / 1024)} KB`,
  );
}

const modified = (file) =>
  stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );

/** Bundles when the file is missing or older than this script. The hook of vitest's `globalSetup`. */
export default async function bundleGradientsIfStale() {
  const made = await modified(new URL('tfjs-gradients.js', OUT));
  if (made < (await modified(fileURLToPath(import.meta.url)))) await bundleGradients();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await bundleGradients();

// Who may import whom. The direction of imports is the architecture, so the table stands here and
// nowhere else; specifiers are read by TypeScript's own scanner.
import { existsSync, readFileSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { dirname, join, normalize } from 'node:path';
import ts from 'typescript';
import { filesBelow, isTest, workspacePackages } from './workspace.mjs';

const BACKENDS = ['wasm', 'webgpu', 'node-gpu', 'onnx', 'cpu'].map((name) => `backend-${name}`);

/** Package → the packages of this workspace that it may depend on. `*` means all of them. */
const MAY_IMPORT = {
  core: [],
  tokenizers: ['core'],
  train: ['core'],
  mpi: ['core', 'train'],
  pretrain: ['core', 'tokenizers', 'train'],
  tasks: ['core', 'tokenizers', 'train', 'pretrain'],
  data: ['core', 'tokenizers'],
  emoji: ['core', 'tokenizers', 'data'],
  ...Object.fromEntries(BACKENDS.map((name) => [name, ['core']])),
  'backend-auto': ['core', ...BACKENDS],
  imglish: ['core', 'tokenizers', 'tasks', 'backend-auto'],
  testing: [],
  conformance: ['core', 'tokenizers', 'train', 'pretrain', 'tasks', 'testing'],
  cli: '*',
  web: '*',
  benchmarks: '*',
};

/** Besides: what only tests use. `testing` imports nothing of ours, so this closes no cycle. */
const TESTS_MAY_IMPORT = ['testing'];

/** Packages that are programs for Node: their `.` need not run in a browser. */
const PROGRAMS = ['cli', 'benchmarks'];

/** Engines other than ours; only a backend or a program brings one. */
const ENGINE = /^(@tensorflow\/tfjs-(backend-|node)|onnxruntime-|webgpu$)/;
const BRINGS_ENGINES = /^(backend-.*|cli|web|benchmarks)$/;

const BUILTIN = new Set(builtinModules);

/** @param {string} root @returns {string[]} what is wrong, one line each */
export function checkImports(root) {
  const packages = workspacePackages(root);
  return [
    ...packages.flatMap((pkg) => checkManifest(pkg)),
    ...packages.flatMap((pkg) => checkSources(root, pkg)),
    ...packages.flatMap((pkg) => checkAnywhereEntry(root, pkg)),
    ...checkCycles(packages),
  ];
}

/** What package.json declares must follow the table, devDependencies included. */
function checkManifest({ name, folder, manifest }) {
  const allowed = MAY_IMPORT[shortName(name)];
  if (allowed === undefined) {
    return [`${folder}: ${name} is not in the table of scripts/checks/imports.mjs`];
  }
  return Object.keys(dependenciesOf(manifest, true))
    .filter((other) => isOurs(other) && !mayImport(name, other, true))
    .map((other) => `${folder}/package.json: ${name} may not depend on ${other}`);
}

/** What a file imports must be declared where it is used, and follow the table. */
function checkSources(root, { name, folder, manifest }) {
  const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const declared = dependenciesOf(manifest, false);
  const declaredInTests = { ...dependenciesOf(manifest, true), ...rootManifest.devDependencies };
  const problems = [];
  const sources = ['src', 'test'].flatMap((name) =>
    filesBelow(root, join(folder, name), (path) => path.endsWith('.ts')),
  );
  for (const file of sources) {
    const test = isTest(file);
    for (const specifier of specifiersOf(root, file)) {
      const refuse = (why) => problems.push(`${file}: imports ${specifier}, ${why}`);
      if (specifier.startsWith('.')) {
        const target = normalize(join(dirname(file), specifier));
        if (!target.startsWith(`${folder}/`)) refuse('which is outside its package');
        continue;
      }
      if (isBuiltin(specifier)) continue;
      const target = packageOf(specifier);
      if (target === name) refuse('which is itself');
      else if (isOurs(target) && !mayImport(name, target, test)) refuse('against the table');
      else if (!(target in (test ? declaredInTests : declared)))
        refuse('which it does not declare');
      else if (!test && ENGINE.test(target) && !BRINGS_ENGINES.test(shortName(name)))
        refuse('an engine; only backends bring one');
    }
  }
  return problems;
}

/** All that `.` reaches must run anywhere: nothing of Node, and of our packages only their `.`. */
function checkAnywhereEntry(root, { name, folder }) {
  const entry = join(folder, 'src/index.ts');
  if (PROGRAMS.includes(shortName(name)) || !existsSync(join(root, entry))) return [];
  const problems = [];
  const reached = new Set([entry]);
  for (const file of reached) {
    for (const specifier of specifiersOf(root, file)) {
      if (isBuiltin(specifier) || (isOurs(specifier) && specifier.endsWith('/node')))
        problems.push(`${file}: imports ${specifier}, and the entry . of ${name} reaches it`);
      const source = normalize(join(dirname(file), specifier)).replace(/\.js$/, '.ts');
      if (specifier.startsWith('.') && existsSync(join(root, source))) reached.add(source);
    }
  }
  return problems;
}

/** A cycle among packages, devDependencies included, as `a → b → a`. */
function checkCycles(packages) {
  const manifests = new Map(packages.map(({ name, manifest }) => [name, manifest]));
  const done = new Set();
  const visit = (name, path) => {
    if (path.includes(name))
      return [`cycle: ${[...path.slice(path.indexOf(name)), name].join(' → ')}`];
    if (done.has(name)) return [];
    const next = Object.keys(dependenciesOf(manifests.get(name), true));
    const cycles = next.filter((n) => manifests.has(n)).flatMap((n) => visit(n, [...path, name]));
    done.add(name);
    return cycles;
  };
  return packages.flatMap(({ name }) => visit(name, []));
}

function specifiersOf(root, file) {
  const text = readFileSync(join(root, file), 'utf8');
  return ts.preProcessFile(text, true, true).importedFiles.map(({ fileName }) => fileName);
}

function dependenciesOf(manifest, withDev) {
  const { dependencies, peerDependencies, optionalDependencies, devDependencies } = manifest;
  return {
    ...dependencies,
    ...peerDependencies,
    ...optionalDependencies,
    ...(withDev ? devDependencies : {}),
  };
}

function mayImport(from, to, inTests) {
  const allowed = MAY_IMPORT[shortName(from)];
  if (allowed === '*' || allowed?.includes(shortName(to))) return true;
  return inTests && TESTS_MAY_IMPORT.includes(shortName(to));
}

function isOurs(specifier) {
  return specifier === 'imglish' || specifier.startsWith('@imglish/');
}

function isBuiltin(specifier) {
  return specifier.startsWith('node:') || BUILTIN.has(specifier);
}

/** `@scope/name/sub` → `@scope/name`. */
function packageOf(specifier) {
  return specifier.split('/', specifier.startsWith('@') ? 2 : 1).join('/');
}

function shortName(name) {
  return name.replace('@imglish/', '');
}

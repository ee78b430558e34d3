// Every published package has the same shape, so that nobody has to look twice.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { workspacePackages } from './workspace.mjs';

/** @param {string} root @returns {string[]} what is wrong, one line each */
export function checkPackages(root) {
  const packages = workspacePackages(root).filter(({ manifest }) => !manifest.private);
  return [
    ...packages.flatMap((pkg) => checkManifest(pkg)),
    ...packages.flatMap((pkg) => checkFiles(root, pkg)),
    ...checkVersions(root, workspacePackages(root)),
  ];
}

function checkManifest({ name, folder, manifest }) {
  const problems = [];
  const expect = (ok, what) => ok || problems.push(`${folder}/package.json: ${what}`);
  expect(/^(@imglish\/[a-z-]+|imglish)$/.test(name), `name ${name} is outside the scope`);
  expect(/^\d+\.\d+\.\d+/.test(manifest.version ?? ''), 'no version');
  expect(manifest.description, 'no description');
  expect(manifest.license === 'MIT', 'license is not MIT');
  expect(manifest.type === 'module', 'type is not module');
  expect(manifest.sideEffects === false, 'sideEffects is not false');
  expect(manifest.engines?.node === '>=20.19', 'engines.node is not >=20.19');
  expect(manifest.publishConfig?.access === 'public', 'publishConfig.access is not public');
  for (const file of ['dist', 'README.md', 'LICENSE'])
    expect(manifest.files?.includes(file), `files lacks ${file}`);
  for (const script of ['build', 'build:types'])
    expect(manifest.scripts?.[script], `no script ${script}`);

  const { './package.json': own, ...entries } = manifest.exports ?? {};
  expect(own === './package.json', 'exports lacks ./package.json');
  expect(entries['.'], 'exports lacks .');
  for (const [entry, conditions] of Object.entries(entries)) {
    expect(
      ['.', './node'].includes(entry),
      `exports has ${entry}; . and ./node are all there may be`,
    );
    expect(Object.keys(conditions)[0] === 'types', `types does not come first in exports ${entry}`);
    expect(/^\.\/dist\/.*\.js$/.test(conditions.default ?? ''), `exports ${entry} lacks a default`);
  }

  const ours = Object.entries({ ...manifest.dependencies, ...manifest.peerDependencies }).filter(
    ([other]) => other.startsWith('@imglish/'),
  );
  for (const [other, range] of ours)
    expect(range === 'workspace:^', `${other} is ${range} instead of workspace:^`);
  const program = manifest.bin !== undefined || folder.startsWith('apps/');
  const core = '@tensorflow/tfjs-core';
  if (!program) expect(!manifest.dependencies?.[core], `${core} must be a peer: users own it once`);
  const peer = manifest.peerDependencies?.[core];
  if (peer) expect(/^\d+\.\d+\.\d+$/.test(peer), `the peer ${core} is ${peer}, not exact`);
  return problems;
}

function checkFiles(root, { name, folder }) {
  const problems = ['LICENSE', 'README.md', 'tsconfig.build.json', 'tsup.config.ts', 'src/index.ts']
    .filter((file) => !existsSync(join(root, folder, file)))
    .map((file) => `${folder}: no ${file}`);
  const path = join(root, folder, 'README.md');
  if (!existsSync(path)) return problems;
  const readme = readFileSync(path, 'utf8');
  if (!readme.startsWith(`# ${name}\n`)) problems.push(`${folder}/README.md: not titled ${name}`);
  const firstBlock = readme.match(/^```(\w*)/m)?.[1];
  if (firstBlock !== 'ts') problems.push(`${folder}/README.md: the first code block is not ts`);
  return problems;
}

/** A dependency from outside has one exact version in the whole workspace. */
function checkVersions(root, packages) {
  const rootManifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const seen = new Map();
  const problems = [];
  for (const { folder, manifest } of [{ folder: '.', manifest: rootManifest }, ...packages]) {
    const { dependencies, devDependencies, peerDependencies, optionalDependencies } = manifest;
    for (const group of [dependencies, devDependencies, peerDependencies, optionalDependencies])
      for (const [name, version] of Object.entries(group ?? {})) {
        if (version.startsWith('workspace:')) continue;
        const before = seen.get(name) ?? { folder, version };
        seen.set(name, before);
        if (before.version !== version) {
          problems.push(
            `${folder}/package.json: ${name} is ${version}, and ${before.version} in ${before.folder}`,
          );
        }
        const typesOnly = name.startsWith('@types/');
        if (!typesOnly && !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))
          problems.push(`${folder}/package.json: ${name} is ${version}, not pinned`);
      }
  }
  return problems;
}

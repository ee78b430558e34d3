// The commands of the root package.json. Plain Node without a dependency, so that each of them works
// on a bare clone: it brings what is missing (packages, builds), then runs what was asked for.
// Notes go to stderr; stdout belongs to the command itself.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const CLI = '@imglish/cli...';
const EVERYTHING = '*';
/** Without scripts: those of others are off anyway, and ours make what the build makes too. */
const INSTALL = [
  ...['install', '--frozen-lockfile', '--prefer-offline', '--ignore-scripts'],
  ...['--config.confirmModulesPurge=false', '--reporter=append-only'],
];

/** Name → what must be installed, what must be built, and what then runs. */
const commands = {
  start: { install: CLI, build: ['build', CLI], run: (args) => cli(['quickstart', ...args]) },
  imglish: { install: CLI, build: ['build', CLI], run: cli },
  parity: { install: CLI, build: ['build', CLI], run: (args) => cli(['parity', ...args]) },
  bench: {
    install: EVERYTHING,
    build: ['build', '@imglish/benchmarks...'],
    run: (args) => runHere('benchmarks/dist/index.js', args),
  },
  test: { install: EVERYTHING, build: ['build:types', EVERYTHING], run: test },
  soak: {
    install: EVERYTHING,
    build: ['build:types', EVERYTHING],
    run: soak,
  },
  recipe: { install: CLI, build: ['build', CLI], run: recipe },
  build: { install: EVERYTHING, build: ['build:types', EVERYTHING], run: () => 0 },
  typecheck: { install: EVERYTHING, build: ['build', EVERYTHING], run: typecheck },
  lint: { install: EVERYTHING, run: (args) => run('biome', ['check', ...args]) },
  check: { install: EVERYTHING, run: (args) => run('node', ['scripts/checks/run.mjs', ...args]) },
};

async function main(name = '', args = []) {
  refuseOldNode();
  const command = commands[name];
  if (!command) fail(`unknown command "${name}"; there are ${Object.keys(commands).join(', ')}`);
  await install(command.install);
  if (command.build) await build(...command.build);
  const status = await command.run(args);
  if (status !== undefined) process.exitCode = status;
}

function refuseOldNode() {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 19)) return;
  fail(`this needs Node 20.19 or newer, and runs on ${process.versions.node}`);
}

/** Brings the packages of `filter` unless they are there as the lockfile says. */
async function install(filter) {
  const lock = readFileSync(join(root, 'pnpm-lock.yaml'), 'utf8');
  if (isInstalled(filter, lock)) return;
  await timed('installing the packages', async () => {
    const [command, ...before] = packageManager();
    const selection = filter === EVERYTHING ? [] : ['--filter', '.', '--filter', filter];
    const { status, output } = await quiet(command, [...before, ...selection, ...INSTALL]);
    if (status !== 0) {
      fail(
        `${output}\ncould not install the packages (see above). If the network is the reason: ` +
          'the first run needs the npm registry, later ones do not.',
      );
    }
  });
  writeFileSync(stamp(), JSON.stringify({ lock: hash(lock), filter }));
}

/**
 * Our own stamp says what was installed for which lockfile; where there is none, somebody called pnpm,
 * which keeps the lockfile beside the packages.
 */
function isInstalled(filter, lock) {
  const folders = filter === EVERYTHING ? workspaceFolders() : ['.', 'apps/cli'];
  if (!folders.every((folder) => existsSync(join(root, folder, 'node_modules')))) return false;
  const last = existsSync(stamp()) ? JSON.parse(readFileSync(stamp(), 'utf8')) : {};
  if (last.lock === hash(lock)) return last.filter === filter || last.filter === EVERYTHING;
  const current = join(root, 'node_modules/.pnpm/lock.yaml');
  return existsSync(current) && readFileSync(current, 'utf8') === lock;
}

function stamp() {
  return join(root, 'node_modules/.imglish-install.json');
}

function hash(text) {
  return createHash('sha256').update(text).digest('hex');
}

/** Folders of workspace packages that depend on anything: each gets a `node_modules`. */
function workspaceFolders() {
  const parents = ['.', 'packages', 'packages/backends', 'apps'];
  const folders = parents.flatMap((parent) =>
    readdirSync(join(root, parent)).map((name) => join(parent, name)),
  );
  return ['.', ...folders].filter((folder) => {
    const manifest = join(root, folder, 'package.json');
    if (!existsSync(manifest)) return false;
    const { dependencies, devDependencies } = JSON.parse(readFileSync(manifest, 'utf8'));
    return Object.keys({ ...dependencies, ...devDependencies }).length > 0;
  });
}

/** The pnpm that package.json pins: the installed one, else through npx. */
function packageManager() {
  const { packageManager } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const own = join(root, 'node_modules/pnpm/package.json');
  if (existsSync(own) && `pnpm@${JSON.parse(readFileSync(own, 'utf8')).version}` === packageManager)
    return ['pnpm'];
  return ['npx', '--yes', '--prefer-offline', packageManager];
}

/** Turbo builds only what changed, so this costs little where nothing did. */
async function build(task, filter) {
  const selection = filter === EVERYTHING ? [] : [`--filter=${filter}`];
  await timed(`building (${task})`, async () => {
    const { status, output } = await quiet('turbo', [
      'run',
      task,
      ...selection,
      '--output-logs=errors-only',
    ]);
    if (status !== 0) fail(`${output}\nthe build failed (see above)`);
  });
}

/** The long tests; `fill` alone is a training that must get somewhere. */
function soak(args) {
  if (args[0] === 'fill')
    return cli(['quickstart', '--long', '--out', 'runs/fill', ...args.slice(1)]);
  return run('vitest', ['run', '--project', 'unit', ...args], { SOAK: '1' });
}

/** A long run from data to a table of results, one of `recipes/`. */
function recipe([name = '', ...args]) {
  const file = join('recipes', name, 'run.mjs');
  if (name === '' || !existsSync(join(root, file))) {
    fail(
      `there is no recipe "${name}"; there are ${readdirSync(join(root, 'recipes')).join(', ')}`,
    );
  }
  return runHere(file, args);
}

/** Everything vitest knows, then the tests that need a browser. Arguments select files. */
async function test(args) {
  const node = await run('vitest', ['run', ...report('node'), ...args]);
  const config = ['--config', 'tests/browser/vitest.config.ts', '--passWithNoTests'];
  const browser = await run('vitest', ['run', ...config, ...report('browser'), ...args]);
  return node || browser;
}

/** Where TEST_REPORTS names a folder, the results as JSON go there too. */
function report(name) {
  const folder = process.env.TEST_REPORTS;
  if (!folder) return [];
  return ['--reporter=default', '--reporter=json', `--outputFile.json=${join(folder, name)}.json`];
}

async function typecheck() {
  const sources = await run('tsc', ['-p', 'tsconfig.json']);
  const scripts = await run('tsc', ['-p', 'scripts/tsconfig.json']);
  return sources || scripts;
}

function cli(args) {
  return runHere('apps/cli/dist/main.js', args);
}

/** Runs a built program in this very process, so that signals and exit codes are its own. */
async function runHere(file, args) {
  const path = join(root, file);
  if (!existsSync(path)) fail(`${file} does not exist`);
  process.argv = [process.argv[0], path, ...args];
  await import(pathToFileURL(path).href);
}

/** Exit status of a program that shares our terminal. */
function run(command, args, env) {
  return launch(command, args, 'inherit', env).status;
}

/** Like `run`, but keeps what it prints; that is shown only where it fails. */
async function quiet(command, args) {
  const { child, status } = launch(command, args, ['ignore', 'pipe', 'pipe']);
  const chunks = [];
  child.stdout.on('data', (chunk) => chunks.push(chunk));
  child.stderr.on('data', (chunk) => chunks.push(chunk));
  return { status: await status, output: Buffer.concat(chunks).toString() };
}

/** A program and the promise of its exit status. A signal sent to us reaches it, and ends us with it. */
function launch(command, args, stdio, env = {}) {
  let interrupted = false;
  const forward = (signal) => {
    interrupted = true;
    // A terminal has sent its interrupt to the child itself.
    if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
  };
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, forward); // before there is anything to end
  const path = [join(root, 'node_modules/.bin'), process.env.PATH].join(delimiter);
  const quietTools = { TURBO_TELEMETRY_DISABLED: '1', TURBO_NO_UPDATE_NOTIFIER: '1' };
  const child = spawn(command, args, {
    cwd: root,
    stdio,
    env: { ...process.env, ...quietTools, ...env, PATH: path },
  });
  const status = new Promise((resolve) => {
    child.on('error', (error) => fail(`could not run ${command}: ${error.message}`));
    child.on('close', (code, signal) => {
      const result = signal ? 128 + constants.signals[signal] : code;
      if (interrupted) process.exit(result);
      for (const name of signals) process.off(name, forward);
      resolve(result);
    });
  });
  return { child, status };
}

async function timed(what, work) {
  const begin = performance.now();
  note(`${what} …`);
  await work();
  note(`${what}: ${((performance.now() - begin) / 1000).toFixed(1)} s`);
}

function note(text) {
  process.stderr.write(`imglish: ${text}\n`);
}

function fail(text) {
  note(text);
  process.exit(1);
}

await main(process.argv[2], process.argv.slice(3));

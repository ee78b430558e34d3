import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { root } from './workspace.ts';

// The script runs in a clone of our making, whose npx, pnpm, turbo and command line only leave traces.
let clone: string;

const lockfile = 'lockfileVersion: 9\n';
const leaveTrace = (name: string) => `#!/bin/sh\necho "${name} $*" >> trace\n`;
const commandLine = `
  console.log('args', process.argv.slice(2).join(' '));
  if (process.argv.includes('wait')) {
    process.on('SIGINT', () => { console.log('interrupted'); process.exit(7); });
    setInterval(() => {}, 1000);
    console.log('waiting');
  } else process.exitCode = 3;
`;

beforeEach(() => {
  clone = mkdtempSync(join(tmpdir(), 'imglish-clone-'));
  write('package.json', '{"packageManager":"pnpm@10.34.9"}');
  write('pnpm-lock.yaml', lockfile);
  write('apps/cli/package.json', '{"dependencies":{"a":"1.0.0"}}');
  write('apps/cli/dist/main.js', commandLine);
  mkdirSync(join(clone, 'packages/backends'), { recursive: true });
  mkdirSync(join(clone, 'scripts'));
  copyFileSync(join(root, 'scripts/bootstrap.mjs'), join(clone, 'scripts/bootstrap.mjs'));
  program('bin/npx', `${leaveTrace('npx')}mkdir -p node_modules apps/cli/node_modules\n`);
  program('bin/turbo', leaveTrace('turbo'));
});
afterEach(() => rmSync(clone, { recursive: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(clone, path)), { recursive: true });
  writeFileSync(join(clone, path), text);
}

function program(path: string, text: string): void {
  write(path, text);
  chmodSync(join(clone, path), 0o755);
}

function installed(): void {
  write('node_modules/.pnpm/lock.yaml', lockfile);
  mkdirSync(join(clone, 'apps/cli/node_modules'), { recursive: true });
}

function trace(): string {
  const path = join(clone, 'trace');
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}

function start(args: string[], nodeOptions: string[] = []): ChildProcess {
  return spawn(process.execPath, [...nodeOptions, 'scripts/bootstrap.mjs', ...args], {
    cwd: clone,
    env: { ...process.env, PATH: `${join(clone, 'bin')}:${process.env.PATH}` },
  });
}

async function finished(child: ChildProcess) {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => {
    stdout += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    stderr += chunk;
  });
  const status = await new Promise((resolve) => child.on('close', resolve));
  return { status, stdout, stderr };
}

describe('bootstrap', () => {
  it('installs and builds what the command line needs, then runs it with its arguments', async () => {
    const { status, stdout, stderr } = await finished(start(['start', '--steps', '3']));
    expect(stdout).toBe('args quickstart --steps 3\n');
    expect(status).toBe(3);
    expect(trace()).toMatch(
      /^npx --yes --prefer-offline pnpm@10\.34\.9 --filter \. --filter @imglish\/cli\.\.\. install --frozen-lockfile .*\nturbo run build --filter=@imglish\/cli\.\.\. .*\n$/,
    );
    expect(stderr).toMatch(/installing the packages: [\d.]+ s\n/);
  });

  it('installs once, until the lockfile changes', async () => {
    const installs = () => trace().match(/^npx/gm)?.length;
    await finished(start(['imglish']));
    await finished(start(['imglish']));
    expect(installs()).toBe(1);
    write('pnpm-lock.yaml', `${lockfile}# changed\n`);
    await finished(start(['imglish']));
    expect(installs()).toBe(2);
  });

  it('does not take the part that the command line needs for everything', async () => {
    installed();
    const lock = createHash('sha256').update(lockfile).digest('hex');
    write(
      'node_modules/.imglish-install.json',
      JSON.stringify({ lock, filter: '@imglish/cli...' }),
    );
    await finished(start(['imglish']));
    expect(trace()).not.toMatch(/npx/);
    await finished(start(['build']));
    expect(trace()).toMatch(/npx .* install/);
  });

  it('takes what pnpm itself installed for current', async () => {
    installed();
    const { stdout } = await finished(start(['parity', '--golden', 'folder']));
    expect(stdout).toBe('args parity --golden folder\n');
    expect(trace()).not.toMatch(/npx/);
  });

  it('shows why an install failed, and runs nothing', async () => {
    program('bin/npx', '#!/bin/sh\necho no network >&2\nexit 4\n');
    const { status, stdout, stderr } = await finished(start(['start']));
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/no network[\s\S]*could not install/);
  });

  it('shows why a build failed, and runs nothing', async () => {
    installed();
    program('bin/turbo', '#!/bin/sh\necho a type is wrong\nexit 2\n');
    const { status, stdout, stderr } = await finished(start(['start']));
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/a type is wrong[\s\S]*the build failed/);
  });

  it('passes an interrupt on, and the exit code back', async () => {
    installed();
    const child = start(['imglish', 'wait']);
    child.stdout?.on('data', (chunk) => {
      if (String(chunk).includes('waiting')) child.kill('SIGINT');
    });
    const { status, stdout } = await finished(child);
    expect(stdout).toMatch(/interrupted\n$/);
    expect(status).toBe(7);
  });

  it('passes an interrupt on to a tool', async () => {
    installed();
    program(
      'node_modules/.bin/biome',
      '#!/bin/sh\ntrap "exit 9" INT\necho ready\nsleep 5 >/dev/null 2>&1 & wait\n',
    );
    const child = start(['lint']);
    child.stdout?.on('data', () => child.kill('SIGINT'));
    expect((await finished(child)).status).toBe(9);
  });

  it('runs nothing more after an interrupt', async () => {
    installed();
    program(
      'node_modules/.bin/tsc',
      '#!/bin/sh\necho "tsc $*" >> trace\ntrap "exit 0" INT\necho ready\nsleep 5 >/dev/null 2>&1 & wait\n',
    );
    const child = start(['typecheck']);
    child.stdout?.on('data', () => child.kill('SIGINT'));
    expect((await finished(child)).status).toBe(0);
    expect(trace().match(/^tsc/gm)).toHaveLength(1);
  });

  it('refuses an old Node', async () => {
    const code = "Object.defineProperty(process.versions, 'node', { value: '20.18.1' })";
    const { status, stderr } = await finished(
      start(['start'], ['--import', `data:text/javascript,${encodeURIComponent(code)}`]),
    );
    expect(status).toBe(1);
    expect(stderr).toBe('imglish: this needs Node 20.19 or newer, and runs on 20.18.1\n');
    expect(trace()).toBe('');
  });

  it('refuses an unknown command with those that there are', async () => {
    const { status, stderr } = await finished(start(['strat']));
    expect(status).toBe(1);
    expect(stderr).toMatch(/unknown command "strat"; there are start, /);
  });
});

import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright';

/** How to start the Chromium that comes with an npm package. */
export interface Launch {
  executablePath: string;
  args: string[];
  env: Record<string, string>;
}

/**
 * Unpacks Chromium and the libraries it needs (once per version, under node_modules), starts it once
 * and closes it. Rejects where this machine cannot run it.
 */
export async function startableChromium(): Promise<Launch> {
  const folder = await unpacked();
  const launch: Launch = {
    executablePath: join(folder, 'chromium'),
    args: [
      '--no-sandbox', // root has no sandbox
      '--enable-unsafe-webgpu',
      '--use-webgpu-adapter=swiftshader',
      '--enable-features=Vulkan',
    ],
    env: {
      ...(process.env as Record<string, string>),
      LD_LIBRARY_PATH: [join(folder, 'al2023/lib'), process.env.LD_LIBRARY_PATH]
        .filter(Boolean)
        .join(':'),
      FONTCONFIG_PATH: process.env.FONTCONFIG_PATH ?? join(folder, 'fonts'),
    },
  };
  const browser = await chromium.launch(launch);
  await browser.close();
  return launch;
}

async function unpacked(): Promise<string> {
  const root = new URL('../../', import.meta.url);
  const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'));
  const cache = fileURLToPath(new URL('node_modules/.cache', root));
  const folder = join(cache, `chromium-${manifest.devDependencies['@sparticuz/chromium']}`);
  if (existsSync(folder)) return folder;

  const own = `${folder}-${process.pid}`;
  mkdirSync(own, { recursive: true });
  // The package unpacks into the folder for temporary files, and brings its libraries only where it
  // believes to run on Lambda; it reads both from the environment, and changes the environment.
  await withEnvironment({ TMPDIR: own, AWS_LAMBDA_JS_RUNTIME: 'nodejs20.x' }, async () => {
    const { default: bundled } = await import('@sparticuz/chromium');
    await bundled.executablePath();
  });
  try {
    renameSync(own, folder);
  } catch (error) {
    rmSync(own, { recursive: true, force: true });
    if (!existsSync(folder)) throw error; // else another process was first
  }
  return folder;
}

async function withEnvironment(values: Record<string, string>, work: () => Promise<void>) {
  const before = { ...process.env };
  Object.assign(process.env, values);
  try {
    await work();
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
    Object.assign(process.env, before);
  }
}

import { fileURLToPath } from 'node:url';
import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { generators, sourceAlias } from '../sources.ts';
import { type Launch, startableChromium } from './chromium.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Every `*.browser.test.ts`, in Chromium; where that cannot start, one skipped test says why. */
export default defineConfig(async () => {
  const launch = await startableChromium().catch((error: Error) => error);
  if (launch instanceof Error) {
    if (process.env.REQUIRE_BROWSER) throw launch;
    console.warn(`The tests in a browser are skipped: ${launch.message}`);
  }
  return {
    root,
    resolve: { alias: sourceAlias(), dedupe: ['@tensorflow/tfjs-core'] },
    // Bundled together before the first test: what Vite finds later gets a second tfjs-core.
    optimizeDeps: {
      include: [
        '@tensorflow/tfjs-core',
        '@tensorflow/tfjs-backend-cpu',
        '@tensorflow/tfjs-backend-wasm',
      ],
      exclude: ['onnxruntime-web'], // it looks for its own files beside itself
    },
    test: launch instanceof Error ? skipped(launch) : inChromium(launch),
  };
});

function inChromium(launchOptions: Launch) {
  return {
    name: 'browser',
    globalSetup: generators,
    include: ['{packages,apps,tests}/**/*.browser.test.ts'],
    exclude: ['**/node_modules/**', '**/dist/**'],
    testTimeout: 120_000,
    browser: {
      enabled: true,
      headless: true,
      screenshotFailures: false,
      provider: playwright({ launchOptions }),
      instances: [{ browser: 'chromium' as const }],
    },
  };
}

function skipped(reason: Error) {
  return {
    name: 'browser',
    include: ['tests/browser/unavailable.ts'],
    env: { BROWSER_UNAVAILABLE: reason.message },
  };
}

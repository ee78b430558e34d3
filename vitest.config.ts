import { defineConfig } from 'vitest/config';
import { generators, sourceAlias } from './tests/sources.ts';

const never = ['**/node_modules/**', '**/dist/**', '**/*.browser.test.ts'];
const soak = process.env.SOAK === '1';

export default defineConfig({
  resolve: { alias: sourceAlias() },
  test: {
    maxWorkers: 2,
    // tfjs advertises its native backend wherever another runs in Node.
    onConsoleLog: (text) => !/^\s*=+\s*$|you are running TensorFlow\.js in Node/.test(text),
    projects: [
      {
        // The packages' own tests, on their sources.
        extends: true,
        test: {
          name: 'unit',
          globalSetup: generators,
          include: ['packages/**/*.test.ts', 'apps/**/*.test.ts', 'benchmarks/**/*.test.ts'],
          exclude: never,
          testTimeout: soak ? 3_600_000 : 120_000,
        },
      },
      {
        // What is true of the repository as a whole; some of it needs a build, and makes one.
        test: {
          name: 'repo',
          include: ['tests/**/*.test.ts'],
          exclude: never,
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
});

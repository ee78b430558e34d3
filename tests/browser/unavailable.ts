import { it } from 'vitest';

it.skip(`tests in a browser: Chromium does not start (${process.env.BROWSER_UNAVAILABLE})`);

import { afterEach, expect, it, vi } from 'vitest';
import { startPython } from './python-peer.js';

afterEach(() => vi.unstubAllEnvs());

it('says why there is no Python peer', async () => {
  vi.stubEnv('IMGLISH_PYTHON', '/no/such/python');
  await expect(startPython('inference.py', [], 1)).rejects.toThrow('/no/such/python: spawn');
  // Something that is no Python: its last words are the reason.
  vi.stubEnv('IMGLISH_PYTHON', process.execPath);
  await expect(startPython('no-such-script.mjs', [], 1)).rejects.toThrow(process.version);
});

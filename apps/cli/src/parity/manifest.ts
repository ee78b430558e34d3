import { sha256 } from './fixture-set.js';
import type { Suite } from './suite.js';

/** The fixtures are what the manifest says: sizes and checksums of all files. */
export const manifest: Suite = {
  name: 'manifest',
  covers: (path) => path === 'README.json' || path === 'manifest.json',
  async run(set, report) {
    for (const file of set.files) {
      const bytes = await set.bytes(file.path);
      const passed = bytes.length === file.bytes && sha256(bytes) === file.sha256;
      report.check(file.path, 'checksum', passed, passed ? 'equal' : 'not the file it was');
    }
  },
};

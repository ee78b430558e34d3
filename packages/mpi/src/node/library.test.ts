import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { findLibMpi, loadLibMpi } from './library.js';

const folder = mkdtempSync(join(tmpdir(), 'imglish-libmpi-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('findLibMpi', () => {
  it('takes the file that is named, and no other', () => {
    expect(findLibMpi({ IMGLISH_LIBMPI: '/opt/libmpi.so', PATH: '/usr/bin' })).toEqual([
      '/opt/libmpi.so',
    ]);
  });

  it('looks beside mpirun before it asks the loader', () => {
    for (const name of ['bin', 'lib']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'bin/mpirun'), '');
    chmodSync(join(folder, 'bin/mpirun'), 0o755);
    const [byLoader] = findLibMpi({ PATH: join(folder, 'lib') });
    writeFileSync(join(folder, 'lib', byLoader!), '');
    const found = findLibMpi({ PATH: `${join(folder, 'lib')}:${join(folder, 'bin')}` });
    expect(found[0]).toBe(join(folder, 'lib', byLoader!));
    expect(found).toContain(byLoader);
  });
});

it('says what was tried and what to install where there is no Open MPI', async () => {
  const path = join(folder, 'no-library.so');
  writeFileSync(path, 'no library');
  await expect(loadLibMpi([path])).rejects.toMatchObject({
    code: 'train/mpi-library',
    got: expect.stringContaining(path),
    fix: expect.stringContaining('openmpi-bin'),
  });
});

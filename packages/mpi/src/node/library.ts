import { existsSync, realpathSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { TrainError } from '@imglish/core';

/** Names under which the system's loader may know Open MPI, of versions 4 and 5. */
const NAMES: readonly string[] =
  process.platform === 'darwin'
    ? ['libmpi.40.dylib', 'libmpi.dylib']
    : ['libmpi.so.40', 'libmpi.so'];

/**
 * Where Open MPI may be, best first: the file that `IMGLISH_LIBMPI` names and no other; else beside
 * the `mpirun` of the path, whose processes need the library of the same installation; else wherever
 * the system's loader finds it.
 */
export function findLibMpi(environment: NodeJS.ProcessEnv = process.env): string[] {
  const { IMGLISH_LIBMPI: named, PATH = '' } = environment;
  if (named) return [named];
  const mpirun = PATH.split(delimiter)
    .map((folder) => join(folder, 'mpirun'))
    .find((file) => existsSync(file));
  const folders = mpirun ? [dirname(mpirun), dirname(realpathSync(mpirun))] : [];
  const beside = folders.flatMap((bin) =>
    ['lib', 'lib64'].flatMap((lib) => NAMES.map((name) => join(bin, '..', lib, name))),
  );
  return [...new Set(beside.filter((file) => existsSync(file))), ...NAMES];
}

type Koffi = typeof import('koffi').default;

export interface LoadedLibrary {
  koffi: Koffi;
  library: ReturnType<Koffi['load']>;
  path: string;
}

/**
 * Loads Open MPI through koffi.
 *
 * Throws a `TrainError`: `train/mpi-koffi` without the package koffi, `train/mpi-library` where none of
 * the candidates is Open MPI.
 */
export async function loadLibMpi(candidates: readonly string[]): Promise<LoadedLibrary> {
  const koffi = await importKoffi();
  const problems: string[] = [];
  for (const path of candidates) {
    try {
      // Open MPI's own plug-ins look for its symbols among the global ones.
      const library = koffi.load(path, { global: true });
      library.symbol('ompi_mpi_comm_world');
      return { koffi, library, path };
    } catch (error) {
      problems.push(`${path}: ${(error as Error).message}`);
    }
  }
  throw new TrainError({
    code: 'train/mpi-library',
    where: 'openMpi',
    expected: 'the library of Open MPI 4 or 5 (libmpi)',
    got: problems.join('; '),
    fix: 'Install Open MPI (Debian: openmpi-bin), load its module, or name the file in IMGLISH_LIBMPI.',
  });
}

async function importKoffi(): Promise<Koffi> {
  try {
    return (await import('koffi')).default;
  } catch (cause) {
    throw new TrainError({
      code: 'train/mpi-koffi',
      where: 'openMpi',
      expected: 'the optional package koffi, by which libmpi is called',
      got: (cause as Error).message,
      fix: 'Install it: npm install koffi.',
      cause,
    });
  }
}

import { spawnSync } from 'node:child_process';

const PYTHON = process.env.IMGLISH_PYTHON ?? 'python3';

/** Why Python cannot check ONNX files here; undefined where it can. */
export function pythonAbsent(): string | undefined {
  const { status, error } = spawnSync(PYTHON, ['-c', 'import onnx, onnxruntime, numpy']);
  if (status === 0) return undefined;
  return error ? `no ${PYTHON}` : `${PYTHON} without onnx, onnxruntime and numpy`;
}

/** Runs a program and returns what it printed; throws with what it said where it fails. */
export function python(code: string, cwd: string): string {
  const { status, stdout, stderr } = spawnSync(PYTHON, ['-c', code], { cwd, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** Frames of these belong to how an op is carried out, not to who called it. */
const INSIDE = [
  /tfjs-core|node:internal/,
  /backend-onnx\/dist|backends\/onnx\/(dist|src\/(?!.*\.test\.ts))/,
  /core\/(src|dist)\/ops\/(differentiable|dispatch)/,
];

/** Where in the caller's code something happened, as `at function (file:line)`. */
export function originOf(error: Error): string {
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s*at |@/.test(line));
  const frame = frames.find((line) => !INSIDE.some((inside) => inside.test(line))) ?? frames[0];
  return frame ? frame.trim().replace('file://', '') : 'at an unknown place';
}

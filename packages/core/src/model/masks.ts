/**
 * Image-to-text generation's mask over image and text, `[N, N]` row-major, 1 = hidden: image rows
 * see the image only; text rows see the image and text up to themselves (the reference's
 * `uni_mask`, modeling_finetune.py:145-157). An input of a step, so it is made on the host.
 */
export function unidirectionalMask(imageLength: number, textLength: number): Float32Array {
  const n = imageLength + textLength;
  const mask = new Float32Array(n * n);
  for (let row = 0; row < n; row++) {
    const visible = Math.max(row + 1, imageLength);
    mask.fill(1, row * n + visible, (row + 1) * n);
  }
  return mask;
}

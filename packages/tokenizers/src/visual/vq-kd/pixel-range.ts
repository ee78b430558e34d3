/**
 * Pixels as the reference takes them → −1 … 1, as the tokenizer does: a batch whose greatest value is
 * at most 1 counts as 0 … 1, any other as 0 … 255 (modeling_vqkd.py:126–132). Rounded to float32 after
 * each step.
 */
export function vqKdPixels(values: Float32Array): Float32Array {
  const isUnit = values.every((value) => value <= 1);
  return values.map((value) => {
    const bytes = isUnit ? Math.fround(value * 255) : value;
    return Math.fround(bytes / 127.5) - 1;
  });
}

const BLOCK = 512;

/** The two empty blocks after the last file of an archive. */
export const TAR_END: Uint8Array = new Uint8Array(2 * BLOCK);

/**
 * A file of a tar archive (POSIX ustar): its header and its bytes, padded. Owner 0, time 0, readable by
 * all, so that equal files give equal archives. `name` is of at most 100 ASCII characters.
 */
export function tarFile(name: string, content: Uint8Array): Uint8Array {
  const file = new Uint8Array(BLOCK + Math.ceil(content.length / BLOCK) * BLOCK);
  const put = (at: number, text: string): void => file.set(new TextEncoder().encode(text), at);
  const octal = (value: number, digits: number): string =>
    `${value.toString(8).padStart(digits, '0')}\0`;
  put(0, name);
  put(100, octal(0o644, 7));
  put(108, octal(0, 7));
  put(116, octal(0, 7));
  put(124, octal(content.length, 11));
  put(136, octal(0, 11));
  put(156, '0');
  put(257, 'ustar\0' + '00');
  // The sum of the header's bytes, taken with spaces where it is written.
  file.fill(32, 148, 156);
  const sum = file.subarray(0, BLOCK).reduce((total, byte) => total + byte, 0);
  put(148, `${octal(sum, 6)} `);
  file.set(content, BLOCK);
  return file;
}

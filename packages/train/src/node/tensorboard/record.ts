/**
 * A record of TensorFlow's TFRecord framing: the length as uint64, its checksum, the bytes, theirs.
 *
 * Checksums are CRC-32C, rotated right by 15 bits plus a constant, so that one of bytes which hold a
 * checksum themselves is still telling (tensorflow/core/lib/io/record_writer.h).
 */
export function record(bytes: Uint8Array): Uint8Array {
  const framed = new Uint8Array(bytes.byteLength + 16);
  const view = new DataView(framed.buffer);
  view.setBigUint64(0, BigInt(bytes.byteLength), true);
  view.setUint32(8, maskedCrc32c(framed.subarray(0, 8)), true);
  framed.set(bytes, 12);
  view.setUint32(12 + bytes.byteLength, maskedCrc32c(bytes), true);
  return framed;
}

export function maskedCrc32c(bytes: Uint8Array): number {
  const crc = crc32c(bytes);
  return (((crc >>> 15) | (crc << 17)) + 0xa282ead8) >>> 0;
}

/** CRC-32C (Castagnoli), RFC 3720. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
}

const TABLE: Uint32Array = Uint32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

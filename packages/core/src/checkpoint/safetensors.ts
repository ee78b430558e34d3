import type { ByteSink, ByteSource } from '../bytes/bytes.js';
import { bytesOf, ITEM_BYTES } from './dtype.js';
import { quote, refuse } from './refuse.js';
import { MAX_HEADER_BYTES, parseHeader } from './safetensors-header.js';
import {
  checkData,
  type StoredTensor,
  storedTensor,
  type TensorEntry,
  type TensorFile,
  tensorBytes,
} from './tensor-file.js';

/**
 * Opens a safetensors file: 8 bytes header length, the JSON header, the tensors' bytes.
 *
 * Only the header is read here; each tensor is read when asked for. Throws a `CheckpointError` for
 * a header that is too long, malformed or at odds with the size of the file (`checkpoint/header`,
 * `checkpoint/offsets`, `checkpoint/size`) or a dtype that has no array (`checkpoint/dtype`).
 */
export async function openSafetensors(source: ByteSource): Promise<TensorFile> {
  const where = 'openSafetensors';
  if (source.size < 8) {
    refuse('header', where, 'at least 8 bytes', `${source.size} bytes in ${source.name}`);
  }
  const prefix = await source.read(0, 8);
  const headerBytes = Number(new DataView(prefix.buffer, prefix.byteOffset).getBigUint64(0, true));
  if (headerBytes > MAX_HEADER_BYTES || headerBytes > source.size - 8) {
    refuse(
      'header',
      where,
      `a header within the ${source.size} bytes of ${source.name} and ${MAX_HEADER_BYTES} bytes`,
      `${headerBytes} bytes`,
      'The file is truncated or not a safetensors file.',
    );
  }
  const dataStart = 8 + headerBytes;
  const json = decodeUtf8(await source.read(8, headerBytes));
  const { entries, metadata } = parseHeader(json, source.size - dataStart);
  const tensors = new Map<string, StoredTensor>();
  const { location } = source;
  for (const { name, dtype, shape, begin, end } of entries) {
    const [offset, bytes] = [dataStart + begin, end - begin];
    const storedAt = location === undefined ? undefined : { file: location, offset, bytes };
    const read = () => source.read(offset, bytes);
    tensors.set(name, storedTensor(name, dtype, shape, read, storedAt));
  }
  return { name: source.name, tensors, metadata, close: async () => source.close?.() };
}

/**
 * Writes a safetensors file, reading and writing one tensor at a time, and closes the sink; if
 * anything fails the sink is aborted. Wider dtypes come first, so that every tensor is aligned.
 */
export async function writeSafetensors(
  sink: ByteSink,
  tensors: Iterable<TensorEntry>,
  metadata: Readonly<Record<string, string>> = { format: 'pt' },
): Promise<void> {
  try {
    await streamSafetensors(sink, tensors, metadata);
    await sink.close();
  } catch (error) {
    await sink.abort();
    throw error;
  }
}

/** `writeSafetensors` that leaves the sink open, for those who publish several files together. */
export async function streamSafetensors(
  sink: ByteSink,
  tensors: Iterable<TensorEntry>,
  metadata: Readonly<Record<string, string>>,
): Promise<void> {
  const where = 'writeSafetensors';
  const order = [...tensors].sort((a, b) => ITEM_BYTES[b.dtype] - ITEM_BYTES[a.dtype]);
  const members: string[] = [`"__metadata__":${JSON.stringify(metadata)}`];
  const names = new Set<string>();
  let at = 0;
  for (const tensor of order) {
    const { name, dtype, shape } = tensor;
    checkName(where, names, name);
    const end = at + tensorBytes(where, tensor);
    const entry = { dtype, shape, data_offsets: [at, end] };
    members.push(`${JSON.stringify(name)}:${JSON.stringify(entry)}`);
    at = end;
  }
  const header = new TextEncoder().encode(`{${members.join(',')}}`);
  const padded = new Uint8Array(8 + Math.ceil(header.byteLength / 8) * 8).fill(0x20);
  new DataView(padded.buffer).setBigUint64(0, BigInt(padded.byteLength - 8), true);
  padded.set(header, 8);
  if (padded.byteLength - 8 > MAX_HEADER_BYTES) {
    refuse('header', where, `a header of ${MAX_HEADER_BYTES} bytes`, `${header.byteLength} bytes`);
  }
  await sink.write(padded);
  for (const tensor of order) {
    const data = await tensor.read();
    checkData(where, tensor, data);
    await sink.write(bytesOf(data));
  }
}

function checkName(where: string, taken: Set<string>, name: string): void {
  if (name === '__metadata__' || taken.has(name)) {
    refuse('name', where, 'distinct tensor names other than __metadata__', quote(name));
  }
  taken.add(name);
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return refuse(
      'header',
      'openSafetensors',
      'a header in UTF-8',
      'other bytes',
      'The file is damaged or not a safetensors file.',
    );
  }
}

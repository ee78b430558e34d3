import type { ByteSink } from '@imglish/core';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import type { ShardWriter, WrittenRecord } from './shard-writer.js';

/** Bytes of pictures in a row group, about: readers unpack one whole. */
const ROW_GROUP_BYTES = 2 ** 23;
/** What a row takes besides its picture and captions, and a file besides its rows; generous. */
const ROW_BYTES = 16;
const FILE_BYTES = 2 ** 12;

const text = { type: 'BYTE_ARRAY', converted_type: 'UTF8', repetition_type: 'REQUIRED' } as const;

/** `id`, `image` as bytes, `captions` as a list of texts. */
const SCHEMA: ConstructorParameters<typeof ParquetWriter>[0]['schema'] = [
  { name: 'root', num_children: 3 },
  { name: 'id', ...text },
  { name: 'image', type: 'BYTE_ARRAY', repetition_type: 'REQUIRED' },
  { name: 'captions', converted_type: 'LIST', repetition_type: 'REQUIRED', num_children: 1 },
  { name: 'list', repetition_type: 'REPEATED', num_children: 1 },
  { name: 'element', ...text },
];

/** Records as rows, in row groups of about 8 MiB; pictures are compressed as they are. */
export function parquetWriter(sink: ByteSink): ShardWriter {
  const buffer = new ByteWriter();
  const file = new ParquetWriter({ writer: buffer, schema: SCHEMA, createdBy: 'imglish' });
  let rows: WrittenRecord[] = [];
  let rowBytes = 0;
  const moveOn = async (): Promise<void> => {
    await sink.write(buffer.getBytes().slice());
    buffer.index = 0;
  };
  const endRowGroup = async (): Promise<void> => {
    if (rows.length === 0) return;
    await file.write({
      columnData: [
        { name: 'id', data: rows.map(({ id }) => id) },
        {
          ...{ name: 'image', data: rows.map(({ picture }) => picture.bytes) },
          ...{ encoding: 'PLAIN', codec: 'UNCOMPRESSED', statistics: false },
        },
        { name: 'captions', data: rows.map(({ captions }) => [...captions]) },
      ],
      rowGroupSize: rows.length,
    });
    rows = [];
    rowBytes = 0;
    await moveOn();
  };
  return {
    sizeWith: (record) => FILE_BYTES + buffer.offset + rowBytes + bytesOf(record),
    async add(record) {
      rows.push(record);
      rowBytes += bytesOf(record);
      if (rowBytes >= ROW_GROUP_BYTES) await endRowGroup();
    },
    async finish() {
      await endRowGroup();
      await file.finish();
      await moveOn();
    },
  };
}

function bytesOf({ id, captions, picture }: WrittenRecord): number {
  const texts = [id, ...captions].reduce((sum, { length }) => sum + 4 + length, 0);
  return ROW_BYTES + picture.bytes.length + texts;
}

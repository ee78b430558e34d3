import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { decodeImage } from './decode-image.js';
import { toImage } from './pixels.js';
import { preprocessImage } from './preprocess.js';
import { defaultPreprocessor, imagenetPreprocessor } from './preprocessor-config.js';
import { resize } from './resize.js';

const folder = new URL('../../../../fixtures/golden/preprocess/', import.meta.url);
const read = (name: string) => new Uint8Array(readFileSync(new URL(name, folder)));

const { files, input_size, imagenet_input_size } = JSON.parse(
  new TextDecoder().decode(read('README.json')),
);
const golden = readTensors(read('tensors.safetensors'));

describe('evaluation transforms, against the reference', () => {
  // JPEG decoders may differ by 3; this one equals libjpeg's, so everything is exact.
  it.each(Object.keys(files))('%s', (name) => {
    const image = decodeImage(read(name));
    expect([image.width, image.height]).toEqual(files[name].size_wh);
    expect(image.data).toEqual(golden(`decoded.${name}`));

    const resized = resize(image, input_size, input_size);
    expect(resized.data).toEqual(golden(`resized.${name}`));
    const pixels = preprocessImage(image, defaultPreprocessor(input_size));
    expect(pixels.data).toEqual(golden(`out.${name}`));
    expect(toImage(pixels).data).toEqual(resized.data);

    const imagenet = imagenetPreprocessor(imagenet_input_size);
    const cropped = preprocessImage(image, imagenet);
    expect(cropped.data).toEqual(golden(`imagenet_out.${name}`));
    expect(toImage(cropped, imagenet).data).toEqual(golden(`imagenet_u8.${name}`));
  });

  it('covers all eight files', () => {
    expect(Object.keys(files)).toHaveLength(8);
  });
});

function readTensors(bytes: Uint8Array): (name: string) => Uint8Array | Float32Array {
  const length = Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const header = JSON.parse(new TextDecoder().decode(bytes.subarray(8, 8 + length)));
  return (name) => {
    const { dtype, data_offsets } = header[name];
    const [from, to] = data_offsets.map((offset: number) => 8 + length + offset);
    const data = bytes.slice(from, to);
    return dtype === 'F32' ? new Float32Array(data.buffer) : data;
  };
}

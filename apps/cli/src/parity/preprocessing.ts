import {
  decodeImage,
  defaultPreprocessor,
  imagenetPreprocessor,
  preprocessImage,
  resize,
  toImage,
} from '@imglish/tokenizers';
import type { FixtureSet, FixtureTensor } from './fixture-set.js';
import { maxDifference, type Report } from './report.js';
import type { Suite } from './suite.js';

const FOLDER = 'preprocess/';

interface PreprocessJson {
  files: Record<string, { size_wh: [number, number] }>;
  input_size: number;
  imagenet_input_size: number;
}

/** Decoding, Pillow's bicubic, both evaluation transforms: from the file's bytes to pixels. */
export const preprocessing: Suite = {
  name: 'images',
  covers: (path) => path.startsWith(FOLDER),
  async run(set, report) {
    const json = await set.json<PreprocessJson>(`${FOLDER}README.json`);
    const golden = await set.tensors(`${FOLDER}tensors.safetensors`);
    for (const [name, { size_wh }] of Object.entries(json.files)) {
      await checkFile(set, report, json, golden, name, size_wh);
    }
    const named = Object.keys(json.files).map((name) => `${FOLDER}${name}`);
    const pictures = set.files.filter(({ path }) => /^preprocess\/.*\.(?:png|jpg)$/.test(path));
    report.equal(
      `${FOLDER}README.json`,
      'names every picture',
      named.sort(),
      pictures.map(({ path }) => path).sort(),
    );
  },
};

async function checkFile(
  set: FixtureSet,
  report: Report,
  { input_size, imagenet_input_size }: PreprocessJson,
  golden: Readonly<Record<string, FixtureTensor>>,
  name: string,
  sizeWh: [number, number],
): Promise<void> {
  const path = `${FOLDER}${name}`;
  const image = decodeImage(await set.bytes(path));
  report.equal(path, 'size', [image.width, image.height], sizeWh);
  const exact = (tensor: string, actual: ArrayLike<number>, unit: number) => {
    const expected = golden[tensor];
    if (!expected) return;
    const worst = maxDifference(actual, expected.values);
    // JPEG decoders may differ by 3 units; everything behind the decoder is exact.
    const allowed = name.endsWith('.jpg') ? 3 * unit : 0;
    const detail = `off by ${worst} of ${allowed}`;
    report.check(path, tensor, worst <= allowed * 1.000001, detail);
    report.check(`${FOLDER}tensors.safetensors`, tensor, worst <= allowed * 1.000001, detail);
  };
  exact(`decoded.${name}`, image.data, 1);
  exact(`resized.${name}`, resize(image, input_size, input_size).data, 1);
  exact(`out.${name}`, preprocessImage(image, defaultPreprocessor(input_size)).data, 2 / 255);
  const imagenet = imagenetPreprocessor(imagenet_input_size);
  const cropped = preprocessImage(image, imagenet);
  exact(`imagenet_out.${name}`, cropped.data, 1 / 255 / Math.min(...imagenet.std));
  exact(`imagenet_u8.${name}`, toImage(cropped, imagenet).data, 1);
}

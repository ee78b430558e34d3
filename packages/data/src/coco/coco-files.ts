import { type Fields, fieldsOf, uniqueIds } from '../records/fields.js';
import { type DataFiles, joinPath } from '../records/files.js';
import { jsonElements } from '../records/json-elements.js';
import { picturesOf } from '../records/pictures.js';
import { checked, type OnProblem, recordError } from '../records/record-error.js';
import { type Subset, subsetsOf } from '../records/subsets.js';

const FOLDER = 'annotations';

/** A picture of a file of COCO and what its annotations say, in the order of the file. */
export interface CocoImage<A> {
  readonly id: string;
  readonly image: string;
  readonly fields: Fields;
  readonly annotations: readonly A[];
}

/** The subsets with a file `ROOT/annotations/<kind>_<subset>.json`. */
export async function cocoSubsets(files: DataFiles, kind: string): Promise<Subset[]> {
  return subsetsOf((await files.list(FOLDER)) ?? [], new RegExp(`^${kind}_(.+)\\.json$`));
}

export async function cocoFile(
  files: DataFiles,
  kind: string,
  split: string,
): Promise<{ file: string; folder: string }> {
  const subsets = await cocoSubsets(files, kind);
  const subset = subsets.find((s) => s.split === split || s.name === split);
  if (subset) return { file: joinPath(FOLDER, `${kind}_${subset.name}.json`), folder: subset.name };
  const there = subsets.map((s) => s.split).join(', ') || 'none';
  throw recordError('no-split', files.name, `${FOLDER}/${kind}_… of the split ${split}`, there);
}

/**
 * Every picture of a COCO file with its annotations. The file is streamed; what `parse` makes of the
 * annotations is kept. Problems: those of `parse`, `data/duplicate-id`, `data/missing-image`,
 * `data/unknown-image` (an annotation of a picture that the file has not).
 */
export async function* cocoImages<A>(
  files: DataFiles,
  file: string,
  folder: string,
  parse: (annotation: Fields) => A,
  onProblem: OnProblem,
): AsyncGenerator<CocoImage<A>> {
  const images: Fields[] = [];
  const annotations = new Map<string, { place: string; of: A[] }>();
  const unique = { images: uniqueIds(), annotations: uniqueIds() };
  const elements = jsonElements(files.read(file), file, ['images', 'annotations']);
  const read = checked(
    elements,
    ({ list, value, place }) => {
      const fields = fieldsOf(value, place);
      unique[list as 'images' | 'annotations'](fields.id('id'), place);
      if (list === 'images') {
        images.push(fields);
        return undefined;
      }
      return { imageId: fields.id('image_id'), annotation: parse(fields), place };
    },
    onProblem,
  );
  for await (const { imageId, annotation, place } of read) {
    const known = annotations.get(imageId);
    if (known) known.of.push(annotation);
    else annotations.set(imageId, { place, of: [annotation] });
  }
  const pictures = picturesOf(files);
  yield* checked(
    asyncOf(images),
    async (fields) => {
      const id = fields.id('id');
      const of = annotations.get(id)?.of ?? [];
      annotations.delete(id);
      const path = joinPath(folder, fields.text('file_name'));
      return { id, image: await pictures.require(path, fields.place), fields, annotations: of };
    },
    onProblem,
  );
  for (const [id, { place }] of annotations) {
    onProblem(
      recordError('unknown-image', place, `a picture ${id} among the images of ${file}`, 'none'),
    );
  }
}

async function* asyncOf<T>(items: Iterable<T>): AsyncGenerator<T> {
  yield* items;
}

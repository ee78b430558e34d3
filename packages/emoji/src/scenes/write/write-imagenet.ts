import type { SceneConcept } from '../concepts.js';
import type { SceneLibrary } from '../library.js';
import { paintScene } from '../paint.js';
import { classScenes } from '../scene-source.js';
import type { ScenePlan } from '../scenes-options.js';
import { encodeJpeg, type FileWriter } from './picture-files.js';

/**
 * Writes pictures of single things as ImageNet: a folder for each class, by its name;
 * `classes.txt` has the names with spaces.
 *
 * @param step is called after each picture.
 * @returns the number of pictures by split.
 */
export async function writeImagenet(
  files: FileWriter,
  library: SceneLibrary,
  plan: ScenePlan,
  step: () => void,
): Promise<Record<keyof ScenePlan['perClass'], number>> {
  const classes = library.concepts.filter(({ unseen }) => !unseen);
  const pictures = { train: 0, val: 0, test: 0 };
  for (const split of ['train', 'val', 'test'] as const) {
    for (const concept of classes) {
      const name = folderOf(concept);
      let number = 0;
      for (const scene of classScenes(library, plan, split, concept)) {
        const { image } = paintScene(library, scene);
        const file = `imagenet/${split}/${name}/${name}_${number++}.JPEG`;
        await files.begin(encodeJpeg(image), file);
        step();
      }
      pictures[split] += number;
    }
  }
  const names = classes.map((concept) => `${folderOf(concept)}\t${concept.noun}`);
  await files.text('imagenet/classes.txt', `${names.sort().join('\n')}\n`);
  return pictures;
}

function folderOf({ noun }: SceneConcept): string {
  return noun.replaceAll(' ', '_');
}

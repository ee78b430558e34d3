import type { SceneLibrary } from '../library.js';
import { paintScene } from '../paint.js';
import { sizeOf } from '../relations.js';
import type { Scene } from '../scene.js';
import { describedScenes } from '../scene-source.js';
import { type ScenePlan, type SceneSplit, sceneSplits } from '../scenes-options.js';
import {
  answersFile,
  type CocoImage,
  captionsFile,
  cocoFileName,
  cocoFolders,
  instancesFile,
  karpathyFile,
  questionsFile,
  runLengths,
} from './coco-files.js';
import { encodeJpeg, encodeLabels, type FileWriter } from './picture-files.js';

/** How ADE20K names the splits; it has no unseen classes. */
const adeSplits: Readonly<Partial<Record<SceneSplit, readonly [folder: string, short: string]>>> = {
  train: ['training', 'train'],
  val: ['validation', 'val'],
  test: ['test', 'test'],
};

/**
 * Writes the scenes as COCO (pictures, captions, instances, Karpathy's splits), as VQAv2 and, with
 * one label for each pixel, as ADE20K; whichever of these the plan asks for.
 *
 * @param step is called after each picture.
 * @returns what was asked, by split.
 */
export async function writeCoco(
  files: FileWriter,
  library: SceneLibrary,
  plan: ScenePlan,
  step: () => void,
): Promise<ReadonlyMap<SceneSplit, readonly CocoImage[]>> {
  const coco = plan.layouts.includes('coco');
  const ade = plan.layouts.includes('ade20k');
  const classes = library.concepts.filter(({ unseen }) => !unseen);
  const label = new Map(classes.map(({ id }, index) => [id, index + 1]));
  const pixels = new Float64Array(classes.length + 1);
  const inSplits = classes.map(() => ({ train: 0, val: 0 }));
  const bySplit = new Map<SceneSplit, CocoImage[]>();
  const truth: string[] = [];
  let id = 0;
  for (const split of sceneSplits) {
    const images: CocoImage[] = [];
    for (const described of describedScenes(library, plan, split)) {
      const { scene } = described;
      id++;
      const { image, seen } = paintScene(library, scene);
      const masks = runLengths(seen, scene.size, scene.objects.length);
      images.push({ ...described, id, masks });
      const name = cocoFileName(split, id);
      const targets = coco ? [`coco/${cocoFolders[split]}/${name}`] : [];
      truth.push(JSON.stringify({ split, id, file: name, ...describeScene(scene) }));
      const adeSplit = ade && adeSplits[split];
      if (adeSplit) {
        const [folder, short] = adeSplit;
        const adeName = `ADE_${short}_${String(images.length).padStart(8, '0')}`;
        targets.push(`ade20k/images/${folder}/${adeName}.jpg`);
        const labels = seen.map((index) => {
          const object = scene.objects[index];
          return object ? label.get(object.concept.id)! : 0;
        });
        const shown = new Set(labels);
        for (const value of labels) pixels[value]!++;
        if (split === 'train' || split === 'val') {
          for (const value of shown) if (value) inSplits[value - 1]![split]++;
        }
        await files.begin(
          encodeLabels(labels, scene.size, scene.size),
          `ade20k/annotations/${folder}/${adeName}.png`,
        );
      }
      if (targets.length > 0) await files.begin(encodeJpeg(image), ...targets);
      step();
    }
    bySplit.set(split, images);
  }
  await files.text('scenes.jsonl', `${truth.join('\n')}\n`);
  if (coco) await writeAnnotations(files, library, plan, bySplit);
  if (ade) {
    const total = pixels.reduce((sum, value) => sum + value, 0);
    const rows = classes.map(({ noun }, index) => {
      const { train, val } = inSplits[index]!;
      return [index + 1, (pixels[index + 1]! / total).toFixed(4), train, val, noun].join('\t');
    });
    await files.text(
      'ade20k/objectInfo150.txt',
      `${['Idx\tRatio\tTrain\tVal\tName', ...rows].join('\n')}\n`,
    );
  }
  return bySplit;
}

async function writeAnnotations(
  files: FileWriter,
  library: SceneLibrary,
  { seed }: ScenePlan,
  bySplit: ReadonlyMap<SceneSplit, readonly CocoImage[]>,
): Promise<void> {
  const info = { description: `Imglish scenes, seed ${seed}`, version: '1', year: 2014 };
  const write = (file: string, content: object): Promise<void> =>
    files.text(`coco/${file}`, JSON.stringify(content));
  for (const [split, images] of bySplit) {
    const folder = cocoFolders[split];
    await write(`annotations/captions_${folder}.json`, captionsFile(images, info));
    const instances = instancesFile(images, library.concepts, info);
    await write(`annotations/instances_${folder}.json`, instances);
    const questions = questionsFile(split, images, info);
    await write(`vqa/v2_OpenEnded_mscoco_${folder}_questions.json`, questions);
    await write(`vqa/v2_mscoco_${folder}_annotations.json`, answersFile(split, images, info));
  }
  await write('dataset_coco.json', karpathyFile([...bySplit.values()].flat()));
}

/** A scene as plain data. */
export function describeScene({ size, background, objects }: Scene): object {
  return {
    size,
    background: { kind: background.kind, colours: background.colours.map(({ name }) => name.en) },
    objects: objects.map((object) => ({
      concept: object.concept.id,
      noun: object.concept.noun,
      style: object.style,
      turn: object.turn,
      colour: object.colour ?? null,
      length: sizeOf(object, size) ?? null,
      extent: object.extent,
      box: object.box,
      area: object.area,
    })),
  };
}

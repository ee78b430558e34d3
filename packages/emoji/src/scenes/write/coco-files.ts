import type { SceneConcept } from '../concepts.js';
import { NOBODY } from '../paint.js';
import { answerType, type Question } from '../questions.js';
import type { Scene } from '../scene.js';
import type { DescribedScene } from '../scene-source.js';
import type { SceneSplit } from '../scenes-options.js';

/** What COCO calls the folder of a split. */
export const cocoFolders: Readonly<Record<SceneSplit, string>> = {
  train: 'train2014',
  val: 'val2014',
  test: 'test2015',
  'test-concepts': 'test-concepts',
};

/** A described scene with its number and the masks of its objects. */
export interface CocoImage extends Omit<DescribedScene, 'scene'> {
  readonly id: number;
  readonly scene: Scene;
  /** Run-length codes of the masks, one for each object. */
  readonly masks: readonly RunLengths[];
}

/** `COCO_train2014_000000000042.jpg` */
export function cocoFileName(split: SceneSplit, id: number): string {
  return `COCO_${cocoFolders[split]}_${String(id).padStart(12, '0')}.jpg`;
}

/** COCO's uncompressed run lengths: column by column, empty pixels first. */
export interface RunLengths {
  readonly size: readonly [height: number, width: number];
  readonly counts: readonly number[];
}

/** The masks of `count` objects, from who is seen at each pixel (`[size, size]`, row by row). */
export function runLengths(seen: Uint8Array, size: number, count: number): RunLengths[] {
  const runs = Array.from({ length: count }, (): number[] => []);
  const ends = new Int32Array(count);
  let start = 0;
  let current = seen[0]!;
  const close = (end: number): void => {
    if (current === NOBODY) return;
    runs[current]!.push(start - ends[current]!, end - start);
    ends[current] = end;
  };
  for (let at = 0; at < size * size; at++) {
    const value = seen[(at % size) * size + Math.floor(at / size)]!;
    if (value === current) continue;
    close(at);
    [start, current] = [at, value];
  }
  close(size * size);
  return runs.map((counts, index) => {
    const rest = size * size - ends[index]!;
    return { size: [size, size], counts: rest > 0 ? [...counts, rest] : counts };
  });
}

/** `annotations/captions_*.json` */
export function captionsFile(images: readonly CocoImage[], info: object): object {
  return {
    info,
    images: images.map(imageRecord),
    licenses: [],
    annotations: images.flatMap(({ id, captions }) =>
      captions.map((caption, index) => ({ image_id: id, id: id * 100 + index, caption })),
    ),
  };
}

/** `annotations/instances_*.json` */
export function instancesFile(
  images: readonly CocoImage[],
  concepts: readonly SceneConcept[],
  info: object,
): object {
  const category = new Map(concepts.map((concept, index) => [concept.id, index + 1]));
  return {
    info,
    images: images.map(imageRecord),
    licenses: [],
    annotations: images.flatMap(({ id, scene, masks }) =>
      scene.objects.map(({ concept, box, area }, index) => ({
        segmentation: masks[index],
        area,
        iscrowd: 0,
        image_id: id,
        bbox: box,
        category_id: category.get(concept.id),
        id: id * 10 + index,
      })),
    ),
    categories: concepts.map(({ noun, kind, zh }, index) => ({
      supercategory: kind,
      id: index + 1,
      name: noun,
      name_zh: zh,
    })),
  };
}

/** `dataset_coco.json`, Karpathy's file of captions and splits. */
export function karpathyFile(images: readonly CocoImage[]): object {
  let sentences = 0;
  return {
    images: images.map(({ id, split, captions }, index) => {
      const first = sentences;
      sentences += captions.length;
      return {
        filepath: cocoFolders[split],
        sentids: captions.map((_, i) => first + i),
        filename: cocoFileName(split, id),
        imgid: index,
        split,
        sentences: captions.map((raw, i) => ({
          tokens: raw.toLowerCase().match(/[\p{L}\p{N}’'-]+/gu) ?? [],
          raw,
          imgid: index,
          sentid: first + i,
        })),
        cocoid: id,
      };
    }),
    dataset: 'coco',
  };
}

const questionId = (image: number, index: number): number => image * 100 + index;

/** `vqa/v2_OpenEnded_mscoco_*_questions.json` */
export function questionsFile(
  split: SceneSplit,
  images: readonly CocoImage[],
  info: object,
): object {
  return {
    info,
    task_type: 'Open-Ended',
    data_type: 'mscoco',
    license: {},
    data_subtype: cocoFolders[split],
    questions: images.flatMap(({ id, questions }) =>
      questions.map(({ question }, index) => ({
        image_id: id,
        question,
        question_id: questionId(id, index),
      })),
    ),
  };
}

/** People asked in VQAv2; here they all agree. */
const ANSWERS = 10;

/** `vqa/v2_mscoco_*_annotations.json` */
export function answersFile(split: SceneSplit, images: readonly CocoImage[], info: object): object {
  const annotation = (id: number, { kind, answer }: Question, index: number): object => ({
    question_type: kind,
    multiple_choice_answer: answer,
    answers: Array.from({ length: ANSWERS }, (_, person) => ({
      answer,
      answer_confidence: 'yes',
      answer_id: person + 1,
    })),
    image_id: id,
    answer_type: answerType(answer),
    question_id: questionId(id, index),
  });
  return {
    info,
    license: {},
    data_subtype: cocoFolders[split],
    annotations: images.flatMap(({ id, questions }) =>
      questions.map((question, index) => annotation(id, question, index)),
    ),
    data_type: 'mscoco',
  };
}

function imageRecord({ id, split, scene }: CocoImage): object {
  return {
    file_name: cocoFileName(split, id),
    height: scene.size,
    width: scene.size,
    id,
    license: 0,
  };
}

import type { RandomStream } from '@imglish/core';
import type { EmojiLanguage } from '../styles.js';
import { type ColourName, colourWords } from './colours.js';
import type { SceneConcept } from './concepts.js';
import {
  type Place,
  placeOf,
  type RelationName,
  relation,
  relations,
  sizeOf,
} from './relations.js';
import { kindsOf, type Scene, type SceneObject } from './scene.js';
import { chineseNumber, chineseThings, countedThings, listed, numberWord } from './words.js';

/** All of one concept in a scene, and what is true of every one of them. */
interface Group {
  readonly concept: SceneConcept;
  readonly objects: readonly SceneObject[];
  readonly colour: ColourName | undefined;
  readonly size: 'big' | 'small' | undefined;
  readonly place: Place | undefined;
}

/** Says something true of the scene, or undefined where there is nothing of the sort to say. */
type Template = (
  groups: readonly Group[],
  scene: Scene,
  stream: RandomStream,
) => string | undefined;

const englishPlaces: Readonly<Record<RelationName, readonly string[]>> = {
  'left of': ['to the left of', 'left of'],
  above: ['above'],
  'bigger than': ['bigger than'],
};

const chinesePlaces: Readonly<Record<Place, string>> = {
  'top left': '左上角',
  'top right': '右上角',
  'bottom left': '左下角',
  'bottom right': '右下角',
};

/** "two red cars": the number, and the colour where all share one that can be named. */
const coloured = ({ concept, objects, colour }: Group): string =>
  countedThings(concept, objects.length, ...(colour ? [colour] : []));
const plain = ({ concept, objects }: Group): string => countedThings(concept, objects.length);

const english: readonly Template[] = [
  (groups) => listed(groups.map(coloured)),
  (groups) => listed([...groups].reverse().map(plain)),
  (groups) => `a picture of ${listed(groups.map(coloured))}`,
  (groups) => `an image that shows ${listed(groups.map(plain))}`,
  (groups) => `you can see ${listed(groups.map(coloured))}`,
  (groups) =>
    `there ${groups[0]!.objects.length === 1 ? 'is' : 'are'} ${listed(groups.map(plain))}`,
  (groups, scene) => {
    const total = scene.objects.length;
    if (groups.length < 2) return undefined;
    return `${numberWord(total)} things: ${listed(groups.map(plain))}`;
  },
  (groups, { background }) =>
    background.kind === 'plain'
      ? `${listed(groups.map(coloured))} on a ${background.colours[0].name.en} background`
      : undefined,
  (groups, scene, stream) => {
    const said = relationsOf(groups, scene);
    if (said.length === 0) return undefined;
    const [a, name, b] = said[stream.integer(said.length)]!;
    if (name === 'bigger than') {
      const verb = a.objects.length === 1 ? 'is' : 'are';
      return `the ${nounOf(a)} ${verb} bigger than the ${nounOf(b)}`;
    }
    const words = englishPlaces[name];
    return `${coloured(a)} ${words[stream.integer(words.length)]!} ${coloured(b)}`;
  },
  (groups, scene, stream) => {
    const said = relationsOf(groups, scene).filter(([, name]) => name !== 'bigger than');
    if (said.length === 0) return undefined;
    const [b, name, a] = said[stream.integer(said.length)]!;
    const words = name === 'above' ? 'below' : 'to the right of';
    return `${coloured(a)} ${words} ${coloured(b)}`;
  },
  (groups, _, stream) => {
    const placed = groups.filter(({ place }) => place);
    if (placed.length === 0) return undefined;
    const group = placed[stream.integer(placed.length)]!;
    return `${coloured(group)} in the ${group.place}${also(groups, group)}`;
  },
  (groups, _, stream) => {
    const sized = groups.filter(({ size }) => size);
    if (sized.length === 0) return undefined;
    const group = sized[stream.integer(sized.length)]!;
    const { concept, objects, size } = group;
    return `${countedThings(concept, objects.length, size!)}${also(groups, group)}`;
  },
  (groups, _, stream) => {
    const many = groups.filter(({ objects }) => objects.length > 1);
    if (many.length === 0) return undefined;
    const { concept, objects } = many[stream.integer(many.length)]!;
    return `${numberWord(objects.length)} of the things are ${concept.plural}`;
  },
];

const chinese: readonly Template[] = [
  (groups) => groups.map(chineseColoured).join('，'),
  (groups) => `图片里有${joined([...groups].reverse().map(chinesePlain))}`,
  (groups, { objects }) =>
    `一共${chineseNumber(objects.length)}个东西：${joined(groups.map(chinesePlain))}`,
  (groups, { background }) =>
    background.kind === 'plain'
      ? `${background.colours[0].name.zh}背景上的${joined(groups.map(chineseColoured))}`
      : undefined,
  (groups, scene, stream) => {
    const said = relationsOf(groups, scene);
    if (said.length === 0) return undefined;
    const [a, name, b] = said[stream.integer(said.length)]!;
    if (name === 'bigger than') return `${chinesePlain(a)}比${chinesePlain(b)}大`;
    return `${chineseColoured(a)}在${chineseColoured(b)}的${name === 'above' ? '上面' : '左边'}`;
  },
  (groups, _, stream) => {
    const placed = groups.filter(({ place }) => place);
    if (placed.length === 0) return undefined;
    const group = placed[stream.integer(placed.length)]!;
    return `${chinesePlaces[group.place!]}有${chineseColoured(group)}`;
  },
  (groups) => `这里有${joined(groups.map(chineseColoured))}`,
  (groups) => `可以看到${joined(groups.map(chinesePlain))}`,
];

const templates: Readonly<Record<EmojiLanguage, readonly Template[]>> = {
  en: english,
  zh: chinese,
};

/**
 * `count` different captions of a scene in a language. Each is true; the first names everything that
 * is there, the others also relations, places, sizes, the background or the number of things.
 */
export function captionsOfScene(
  scene: Scene,
  language: EmojiLanguage,
  count: number,
  stream: RandomStream,
): string[] {
  const groups = groupsOf(scene, stream);
  const [first, ...others] = templates[language];
  const said = [first!(groups, scene, stream)!];
  for (const index of stream.permutation(others.length)) {
    const caption = others[index]!(groups, scene, stream);
    if (caption && !said.includes(caption)) said.push(caption);
  }
  return said.slice(0, count);
}

/** The groups of a scene in a drawn order. */
function groupsOf(scene: Scene, stream: RandomStream): Group[] {
  const kinds = kindsOf(scene);
  return [...stream.permutation(kinds.length)].map((index) => {
    const { concept, objects } = kinds[index]!;
    return {
      concept,
      objects,
      colour: shared(objects.map(({ colour }) => colour)),
      size: shared(objects.map((object) => sizeOf(object, scene.size))),
      place: shared(objects.map((object) => placeOf(object, scene.size))),
    };
  });
}

/** What all values are, if they are all the same. */
function shared<T>(values: readonly T[]): T | undefined {
  return values.every((value) => value === values[0]) ? values[0] : undefined;
}

/** What holds between each of one group and each of another. */
function relationsOf(groups: readonly Group[], scene: Scene): [Group, RelationName, Group][] {
  return groups.flatMap((a) =>
    groups.flatMap((b) =>
      relations
        .filter(
          (name) =>
            a !== b &&
            a.objects.every((one) => b.objects.every((other) => relation(scene, one, name, other))),
        )
        .map((name): [Group, RelationName, Group] => [a, name, b]),
    ),
  );
}

function also(groups: readonly Group[], said: Group): string {
  const rest = groups.filter((group) => group !== said);
  return rest.length === 0 ? '' : ` and ${listed(rest.map(plain))}`;
}

function nounOf({ concept, objects }: Group): string {
  return objects.length === 1 ? concept.noun : concept.plural;
}

function chineseColoured({ concept, objects, colour }: Group): string {
  return chineseThings(concept, objects.length, colour && colourWords[colour]);
}

function chinesePlain({ concept, objects }: Group): string {
  return chineseThings(concept, objects.length);
}

function joined(phrases: readonly string[]): string {
  return phrases.length < 2
    ? phrases.join('')
    : `${phrases.slice(0, -1).join('、')}和${phrases.at(-1)}`;
}

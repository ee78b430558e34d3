import type { RgbImage } from '@imglish/core';
import { encodePng } from '@imglish/tokenizers';
import type { SceneLibrary } from '../library.js';
import { NOBODY, paintScene } from '../paint.js';
import type { Scene } from '../scene.js';
import { describedScenes, statementSets } from '../scene-source.js';
import { type ScenePlan, type SceneSplit, sceneSplits } from '../scenes-options.js';

/** How large a picture is shown. */
const SIDE = 160;
const GAP = 8;
const LINE = 14;
/** Characters of a line beside a picture. */
const CHARACTERS = 62;
const TEXT_WIDTH = 400;
const CARD_WIDTH = 2 * SIDE + 3 * GAP + TEXT_WIDTH;
const COLUMNS = 2;

/** Colours of boxes and masks, by the object's place in the scene. */
const colours = [
  '#e6194b',
  '#3cb44b',
  '#4363d8',
  '#f58231',
  '#911eb4',
  '#008080',
  '#9a6324',
  '#000075',
] as const;

/** A picture or two and the lines beside them. */
interface Card {
  readonly height: number;
  readonly svg: string;
}

export interface SceneSheetOptions {
  /** Scenes of each split; 4 by default. */
  readonly scenes?: number;
  /** Sets of statements of each split; 1 by default. */
  readonly statementSets?: number;
}

/**
 * The first scenes of every split as an SVG document, to be looked at: each picture, the same with
 * boxes and masks, and its captions, questions and answers; then pairs of pictures and statements.
 */
export function sceneSheet(
  library: SceneLibrary,
  plan: ScenePlan,
  { scenes = 4, statementSets: sets = 1 }: SceneSheetOptions = {},
): string {
  const few = (counts: ScenePlan['images'], most: number): ScenePlan['images'] => ({
    train: Math.min(most, counts.train),
    val: Math.min(most, counts.val),
    test: Math.min(most, counts.test),
    'test-concepts': Math.min(most, counts['test-concepts']),
  });
  const short: ScenePlan = {
    ...plan,
    images: few(plan.images, scenes),
    statementSets: few(plan.statementSets, sets),
  };
  const cards = sceneSplits.flatMap((split) => [
    ...sceneCards(library, short, split),
    ...statementCards(library, short, split),
  ]);
  return document(cards);
}

function sceneCards(library: SceneLibrary, plan: ScenePlan, split: SceneSplit): Card[] {
  return [...describedScenes(library, plan, split)].map(({ scene, captions, questions }, index) => {
    const { image, seen } = paintScene(library, scene);
    const lines = [
      `<tspan font-weight="bold">${split} ${index}</tspan>`,
      ...captions.flatMap((caption) => wrapped(caption)),
      ...questions.flatMap(({ question, answer }) =>
        wrapped(`${question} ${answer}`).map((line, at, all) =>
          at === all.length - 1 ? boldEnd(line, escapeXml(answer)) : line,
        ),
      ),
    ];
    const pictures =
      picture(image, 0) + picture(masked(image, seen), SIDE + GAP) + boxes(scene, SIDE + GAP);
    return card(pictures, lines);
  });
}

function statementCards(library: SceneLibrary, plan: ScenePlan, split: SceneSplit): Card[] {
  return [...statementSets(library, plan, split)].flatMap(({ pairs, statements }, set) =>
    pairs.map((pair, index) => {
      const pictures = pair.map((scene, side) =>
        picture(paintScene(library, scene).image, side * (SIDE + GAP)),
      );
      const lines = [
        `<tspan font-weight="bold">${split} set ${set}, pair ${index}</tspan>`,
        ...statements.flatMap(({ statement, labels }) => {
          const text = wrapped(`${statement.sentence} ${labels[index]}`);
          return text.map((line, at) =>
            at === text.length - 1 ? boldEnd(line, String(labels[index])) : line,
          );
        }),
      ];
      return card(pictures.join(''), lines);
    }),
  );
}

function document(cards: readonly Card[]): string {
  const heights: number[] = new Array(COLUMNS).fill(GAP);
  const placed = cards.map(({ height, svg }) => {
    const column = heights.indexOf(Math.min(...heights));
    const y = heights[column]!;
    heights[column] = y + height + GAP;
    return `<g transform="translate(${GAP + column * (CARD_WIDTH + GAP)} ${y})">${svg}</g>`;
  });
  const width = COLUMNS * (CARD_WIDTH + GAP) + GAP;
  const height = Math.max(...heights);
  return (
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" ` +
    `viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="11">` +
    `<rect width="${width}" height="${height}" fill="#f4f4f4"/>${placed.join('\n')}</svg>`
  );
}

function card(pictures: string, lines: readonly string[]): Card {
  const text = lines.map(
    (line, index) => `<tspan x="${2 * (SIDE + GAP)}" y="${11 + index * LINE}">${line}</tspan>`,
  );
  const height = Math.max(SIDE, lines.length * LINE);
  return { height, svg: `${pictures}<text>${text.join('')}</text>` };
}

function picture(image: RgbImage, x: number): string {
  const bytes = encodePng(image);
  let binary = '';
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return (
    `<image x="${x}" y="0" width="${SIDE}" height="${SIDE}" image-rendering="pixelated" ` +
    `href="data:image/png;base64,${btoa(binary)}"/>`
  );
}

/** The picture with every object's visible part in its colour. */
function masked({ width, height, data }: RgbImage, seen: Uint8Array): RgbImage {
  const mixed = data.slice();
  seen.forEach((index, at) => {
    if (index === NOBODY) return;
    const colour = colours[index]!;
    for (let c = 0; c < 3; c++) {
      const tint = Number.parseInt(colour.slice(1 + 2 * c, 3 + 2 * c), 16);
      mixed[at * 3 + c] = Math.round(0.5 * data[at * 3 + c]! + 0.5 * tint);
    }
  });
  return { width, height, data: mixed };
}

function boxes({ size, objects }: Scene, x: number): string {
  const scale = SIDE / size;
  return objects
    .map(({ box: [left, top, width, height] }, index) => {
      const [at, y] = [x + left * scale, top * scale];
      return (
        `<rect x="${at}" y="${y}" width="${width * scale}" height="${height * scale}" ` +
        `fill="none" stroke="${colours[index]}"/>`
      );
    })
    .join('');
}

function wrapped(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1)!;
    if (last.length + word.length >= CHARACTERS) lines.push(`\u2003${word}`);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map(escapeXml);
}

function boldEnd(line: string, end: string): string {
  if (!line.endsWith(end)) return line;
  return `${line.slice(0, -end.length)}<tspan font-weight="bold">${end}</tspan>`;
}

function escapeXml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
}

import { draw } from '@imglish/core';
import { type Gallery, openGallery } from 'imglish/node';
import { median } from './compare.js';
import { inTemporaryFolder } from './temporary-folder.js';

export interface GallerySize {
  readonly entries: number;
  readonly width: number;
  readonly searches: number;
}

export interface GalleryReport extends GallerySize {
  /** Milliseconds by the clock. */
  readonly build: number;
  readonly save: number;
  readonly open: number;
  /** Medians, of the ten nearest. */
  readonly search: number;
  readonly scan: number;
  /** Share of the ten nearest that the index finds. */
  readonly recall: number;
}

const NEAREST = 10;
/** Embeddings of a model lie in groups; so do these. */
const GROUP = 50;
const SPREAD = 0.6;
/** Added at a time. */
const PART = 10_000;

/** Builds, saves and searches a gallery, beside a scan of all its vectors in JavaScript. */
export async function gallery(
  note: (text: string) => void = () => {},
  size: GallerySize = { entries: 100_000, width: 256, searches: 200 },
): Promise<GalleryReport> {
  const { entries, width, searches } = size;
  const all = vectors(entries, width, 'entry');
  const queries = vectors(searches, width, 'query');
  return inTemporaryFolder(async (folder) => {
    const opened = await openGallery(folder);
    const build = await milliseconds(() => fill(opened, all, width, note));
    const save = await milliseconds(() => opened.save());
    let again = opened;
    const open = await milliseconds(async () => {
      again = await openGallery(folder);
    });
    note('searching');
    const times = { search: [] as number[], scan: [] as number[] };
    let found = 0;
    for (let i = 0; i < searches; i++) {
      const query = queries.subarray(i * width, (i + 1) * width);
      let matches: string[] = [];
      let nearest: number[] = [];
      times.search.push(
        await milliseconds(() => {
          matches = again.search(query, NEAREST).map(({ id }) => id);
        }),
      );
      times.scan.push(
        await milliseconds(() => {
          nearest = scan(all, query);
        }),
      );
      found += nearest.filter((index) => matches.includes(String(index))).length;
    }
    return {
      ...{ ...size, build, save, open },
      search: median(times.search),
      scan: median(times.scan),
      recall: found / (searches * NEAREST),
    };
  });
}

function fill(into: Gallery, all: Float32Array, width: number, note: (text: string) => void): void {
  for (let from = 0; from * width < all.length; from += PART) {
    const data = all.subarray(from * width, (from + PART) * width);
    const rows = data.length / width;
    into.add(
      Array.from({ length: rows }, (_, i) => String(from + i)),
      { dims: [rows, width], data },
    );
    note(`${from + rows} of ${all.length / width} entries added`);
  }
}

/** Unit vectors `[count, width]` around a centre for each fifty of them; queries are near centres too. */
function vectors(count: number, width: number, purpose: string): Float32Array {
  const data = new Float32Array(count * width);
  for (let i = 0; i < count; i++) {
    const own = draw(0, `gallery/${purpose}`, 0, i);
    const group = purpose === 'query' ? own.integer(2000) : Math.floor(i / GROUP);
    const centre = draw(0, 'gallery/centre', 0, group);
    const row = data.subarray(i * width, (i + 1) * width);
    for (let j = 0; j < width; j++) {
      row[j] = centre.uniform() - 0.5 + SPREAD * (own.uniform() - 0.5);
    }
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    for (let j = 0; j < width; j++) row[j]! /= norm;
  }
  return data;
}

/** Indices of the rows with the largest products, best first. */
function scan(all: Float32Array, query: Float32Array): number[] {
  const width = query.length;
  const best: { index: number; score: number }[] = [];
  for (let from = 0, index = 0; from < all.length; from += width, index++) {
    let score = 0;
    for (let j = 0; j < width; j++) score += all[from + j]! * query[j]!;
    if (best.length === NEAREST && score <= best.at(-1)!.score) continue;
    const at = best.findIndex((other) => score > other.score);
    best.splice(at < 0 ? best.length : at, 0, { index, score });
    best.length = Math.min(best.length, NEAREST);
  }
  return best.map(({ index }) => index);
}

async function milliseconds(run: () => unknown): Promise<number> {
  const start = performance.now();
  await run();
  return performance.now() - start;
}

export function galleryText(report: GalleryReport): string {
  const { entries, width, build, save, open, search, scan: all, recall } = report;
  const seconds = (value: number): string => `${(value / 1000).toFixed(1)} s`;
  return [
    `a gallery of ${entries} embeddings of width ${width}`,
    `  built in ${seconds(build)} on one thread, saved in ${seconds(save)}, opened in ${seconds(open)}`,
    `  the ten nearest in ${search.toFixed(2)} ms, ${(100 * recall).toFixed(1)} % of them found`,
    `  a scan of all in JavaScript takes ${all.toFixed(1)} ms: ${(all / search).toFixed(0)} × as long`,
  ].join('\n');
}

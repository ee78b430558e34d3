import { BackendError, type ByteSource, httpSource } from '@imglish/core';
import type { OnnxModel } from '../lower/onnx-model.js';
import { type ExternalPlace, externalPlaces, movedWeights } from './external-weights.js';
import type { Prepared } from './worker-engine.js';

/** Bytes between two tensors that are fetched along rather than asked for around. */
const GAP = 2 ** 16;

/** Part of a file that is fetched at once. */
interface Span {
  readonly location: string;
  readonly start: number;
  end: number;
}

/** A model whose weights are fetched: of their files, only the ranges that it needs. */
export async function prepareFetched(model: OnnxModel, where: string): Promise<Prepared> {
  const places = externalPlaces(model.bytes);
  const sources = new Map<string, ByteSource>();
  for (const { location } of places) {
    if (sources.has(location)) continue;
    const url = model.externalFiles[location];
    if (url === undefined) {
      throw new BackendError({
        code: 'backend/model-refused',
        where,
        expected: 'every file of weights that the model names in externalFiles',
        got: `${location}: not there`,
      });
    }
    sources.set(location, await httpSource(url));
  }
  const end = ({ location, offset, length }: ExternalPlace): number =>
    length === undefined ? sources.get(location)!.size : offset + length;
  const spans = spansOf(places, end);
  const externalData: { path: string; data: Uint8Array }[] = [];
  for (const [i, { location, start, end }] of spans.entries()) {
    externalData.push({
      path: `${i}`,
      data: await sources.get(location)!.read(start, end - start),
    });
  }
  const bytes = movedWeights(model.bytes, ({ location, offset }) => {
    const i = spans.findIndex(
      (span) => span.location === location && span.start <= offset && offset <= span.end,
    );
    return { location: `${i}`, offset: offset - spans[i]!.start };
  });
  const weightBytes = places.reduce((sum, { elements }) => sum + elements * 4, 0);
  return { args: { bytes, externalData }, weightBytes };
}

/** The parts of files that hold all places, in few pieces. */
function spansOf(places: readonly ExternalPlace[], end: (place: ExternalPlace) => number): Span[] {
  const sorted = [...places].sort((a, b) =>
    a.location === b.location ? a.offset - b.offset : a.location < b.location ? -1 : 1,
  );
  const spans: Span[] = [];
  for (const place of sorted) {
    const last = spans.at(-1);
    if (last?.location === place.location && place.offset <= last.end + GAP) {
      last.end = Math.max(last.end, end(place));
    } else {
      spans.push({ location: place.location, start: place.offset, end: end(place) });
    }
  }
  return spans;
}

import { BackendError } from '@imglish/core';
import type { Index } from 'usearch';

/** An index of USearch, and how one is made. */
export type VectorIndex = Index;
export type NewIndex = (width: number) => VectorIndex;

/** Throws `backend/unavailable` where USearch has no library for this machine. */
export async function loadIndex(): Promise<NewIndex> {
  const usearch = await import('usearch').catch((cause: unknown) => {
    throw new BackendError({
      code: 'backend/unavailable',
      where: 'openGallery',
      expected: 'the optional dependency usearch',
      got: String(cause),
      fix: 'Its prebuilt libraries are for Linux and macOS.',
      cause,
    });
  });
  return (width) =>
    new usearch.Index({
      dimensions: width,
      metric: usearch.MetricKind.Cos,
      quantization: usearch.ScalarKind.F32,
      connectivity: 16,
      expansion_add: 128,
      // How many candidates a search keeps: recall against time.
      expansion_search: 256,
      multi: false,
    });
}

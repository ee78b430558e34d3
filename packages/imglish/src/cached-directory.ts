import { type ByteSource, checkRange, httpDirectory, type ReadableDirectory } from '@imglish/core';

const CACHE = 'imglish';

/**
 * A model directory of the web whose files the browser keeps (Cache API): the first time they are
 * downloaded in full, later read from where they are kept, also without a network. A file is fetched
 * again when the server says that it has changed. Without a cache, as outside secure contexts, files are
 * read by ranges and nothing is kept.
 */
export function cachedDirectory(url: URL): ReadableDirectory {
  const remote = httpDirectory(url);
  const base = remote.name;
  if (typeof caches === 'undefined') return remote;
  return {
    name: base,
    async open(file: string): Promise<ByteSource> {
      const address = new URL(encodeURIComponent(file), base).href;
      const cache = await caches.open(CACHE);
      const kept = await cache.match(address);
      if (kept && !(await hasChanged(address, kept))) return blobSource(await kept.blob(), address);
      const response = await fetch(address);
      if (!response.ok || !response.body) {
        await response.body?.cancel();
        return remote.open(file); // says what is wrong
      }
      try {
        await cache.put(address, response);
      } catch {
        // No room for it: it is read where it is.
        return remote.open(file);
      }
      const stored = await cache.match(address);
      return stored ? blobSource(await stored.blob(), address) : remote.open(file);
    },
  };
}

/** Whether the server has another version; what cannot be asked has not changed. */
async function hasChanged(address: string, kept: Response): Promise<boolean> {
  try {
    const now = await fetch(address, { method: 'HEAD' });
    if (!now.ok) return false;
    return ['etag', 'last-modified', 'content-length'].some((header) => {
      const [before, after] = [kept.headers.get(header), now.headers.get(header)];
      return before !== null && after !== null && before !== after;
    });
  } catch {
    return false;
  }
}

/** A blob's bytes; it stays where the browser keeps it. */
function blobSource(blob: Blob, name: string): ByteSource {
  return {
    name,
    size: blob.size,
    async read(offset, length) {
      checkRange('cachedDirectory.read', name, blob.size, offset, length);
      return new Uint8Array(await blob.slice(offset, offset + length).arrayBuffer());
    },
  };
}

import { type ByteSource, checkRange } from '../bytes/bytes.js';
import { IoError } from '../errors/errors.js';

export interface HttpOptions {
  /** Sent with every request, e.g. `Authorization`. */
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal;
}

/**
 * A `ByteSource` over an HTTP resource, read by range requests: only what is asked for travels.
 *
 * Rejects with an `IoError`: `io/not-found` (404, 410), `io/no-ranges` for a server that would send
 * the whole resource, `io/changed` when it is replaced between two reads, `io/http` otherwise.
 */
export async function httpSource(
  url: string | URL,
  options: HttpOptions = {},
): Promise<ByteSource> {
  const name = String(url);
  const first = await request(name, options, 0, 1);
  const etag = first.headers.get('etag');
  const size = await totalSize(first, name, options);
  return {
    name,
    location: name,
    size,
    async read(offset: number, length: number): Promise<Uint8Array> {
      checkRange('httpSource.read', name, size, offset, length);
      if (length === 0) return new Uint8Array(0);
      const response = await request(name, options, offset, length);
      if (response.headers.get('etag') !== etag) {
        await response.body?.cancel();
        fail('changed', 'the resource that was opened', `another version of ${name}`);
      }
      const bytes = await body(response, name);
      if (bytes.byteLength !== length) {
        fail('http', `${length} bytes of ${name} from ${offset}`, `${bytes.byteLength}`);
      }
      return bytes;
    },
  };
}

async function totalSize(first: Response, name: string, options: HttpOptions): Promise<number> {
  const range = /\/(\d+)$/.exec(first.headers.get('content-range') ?? '');
  await first.body?.cancel();
  if (range) return Number(range[1]);
  if (first.status === 416) return 0;
  // Browsers hide Content-Range of other origins unless the server exposes it.
  const head = await send(name, { ...init(options), method: 'HEAD' });
  const length = head.headers.get('content-length');
  if (head.ok && length !== null) return Number(length);
  return fail('http', `the size of ${name}`, `status ${head.status} without Content-Length`);
}

/** The response to a range request: 206, or 416 for the first byte of an empty resource. */
async function request(
  name: string,
  options: HttpOptions,
  offset: number,
  length: number,
): Promise<Response> {
  const { headers, ...rest } = init(options);
  const range = `bytes=${offset}-${offset + length - 1}`;
  const response = await send(name, { ...rest, headers: { ...headers, range } });
  if (response.status === 206 || (response.status === 416 && offset === 0)) return response;
  await response.body?.cancel();
  if (response.status === 404 || response.status === 410) {
    fail('not-found', `a resource at ${name}`, `status ${response.status}`);
  }
  if (response.ok) {
    fail(
      'no-ranges',
      `a server that answers range requests for ${name}`,
      `status ${response.status}`,
    );
  }
  return fail('http', `${range} of ${name}`, `status ${response.status}`);
}

function init(options: HttpOptions): { headers: Record<string, string>; signal?: AbortSignal } {
  // Ranges of a compressed representation would be other bytes.
  const headers = { 'accept-encoding': 'identity', ...options.headers };
  return options.signal ? { headers, signal: options.signal } : { headers };
}

async function send(name: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(name, request);
  } catch (cause) {
    return fail('http', `an answer from ${name}`, 'none', cause);
  }
}

async function body(response: Response, name: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await response.arrayBuffer());
  } catch (cause) {
    return fail('http', `the body of ${name}`, 'a broken connection', cause);
  }
}

function fail(code: string, expected: string, got: string, cause?: unknown): never {
  throw new IoError({ code: `io/${code}`, where: 'httpSource', expected, got, cause });
}

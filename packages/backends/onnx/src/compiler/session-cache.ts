import type { Session } from '../runtime/engine.js';

interface Entry {
  readonly session: Promise<Session>;
  /** 0 until it is loaded. */
  bytes: number;
  /** Uses under way. */
  users: number;
}

/**
 * Sessions by what they are loaded from, bounded in bytes: the one unused for longest is disposed first,
 * never one in use nor the one used last. What was disposed is loaded again when it is needed.
 */
export class SessionCache<Source extends object> {
  readonly #load: (source: Source) => Promise<Session>;
  readonly #limit: number;
  /** The one used last comes last. */
  readonly #entries: Map<Source, Entry> = new Map();

  constructor(load: (source: Source) => Promise<Session>, limit: number) {
    this.#load = load;
    this.#limit = limit;
  }

  /** Does `work` with the session; one that is being loaded is shared. */
  async use<T>(source: Source, work: (session: Session) => T | Promise<T>): Promise<T> {
    const entry = this.#entries.get(source) ?? this.#entry(source);
    this.#entries.delete(source);
    this.#entries.set(source, entry);
    entry.users += 1;
    try {
      return await work(await entry.session);
    } finally {
      entry.users -= 1;
      this.#shrink();
    }
  }

  /** Disposes the session, if there is one. */
  async drop(source: Source): Promise<void> {
    const entry = this.#entries.get(source);
    this.#entries.delete(source);
    const session = await entry?.session.catch(() => undefined); // who loaded it was told
    await session?.dispose();
  }

  #entry(source: Source): Entry {
    const session = this.#load(source);
    const entry = { session, bytes: 0, users: 0 };
    session.then(
      ({ bytes }) => {
        entry.bytes = bytes;
      },
      () => {
        if (this.#entries.get(source) === entry) this.#entries.delete(source);
      },
    );
    return entry;
  }

  #shrink(): void {
    let bytes = 0;
    for (const entry of this.#entries.values()) bytes += entry.bytes;
    const [last] = [...this.#entries.keys()].slice(-1);
    for (const [source, entry] of this.#entries) {
      if (bytes <= this.#limit) return;
      if (entry.users > 0 || source === last) continue;
      bytes -= entry.bytes;
      // Nobody waits for it, and an engine that is gone holds nothing any more.
      this.drop(source).catch(() => {});
    }
  }
}

/** What a test needs of a backend; `Backend` of @imglish/core is one. */
export interface OpenBackend {
  readonly name: string;
  use(): Promise<void>;
  dispose(): void;
}

/** The functions of vitest, jest or mocha that `eachBackend` calls. */
export interface TestFramework {
  describe: ((name: string, body: () => void) => void) & {
    skip: (name: string, body: () => void) => void;
  };
  beforeAll: (hook: () => Promise<void>) => void;
  afterAll: (hook: () => void) => void;
}

/**
 * Describes the same tests once for each backend: `openers` by name, e.g. `{ wasm, cpu }`. In the
 * tests of `body` that backend is the current one; `backend()` gives it.
 *
 * A backend that cannot be opened here, because its package or its device is absent, is described as
 * skipped, with the reason. Any other error is thrown. Await it at the top level of the test file.
 */
export async function eachBackend<B extends OpenBackend>(
  { describe, beforeAll, afterAll }: TestFramework,
  openers: Readonly<Record<string, () => Promise<B>>>,
  body: (backend: () => B) => void,
): Promise<void> {
  for (const [name, open] of Object.entries(openers)) {
    const reason = await whyAbsent(open);
    if (reason !== undefined) {
      describe.skip(`${name} (absent: ${reason})`, () => body(() => notOpen(name)));
      continue;
    }
    describe(name, () => {
      let backend: B | undefined;
      beforeAll(async () => {
        backend = await open();
        await backend.use();
      });
      afterAll(() => backend?.dispose());
      body(() => backend ?? notOpen(name));
    });
  }
}

const ABSENT: readonly unknown[] = [
  'backend/unavailable',
  'ERR_MODULE_NOT_FOUND',
  'MODULE_NOT_FOUND',
];

async function whyAbsent(open: () => Promise<OpenBackend>): Promise<string | undefined> {
  try {
    (await open()).dispose();
    return undefined;
  } catch (error) {
    if (error instanceof Error && ABSENT.includes((error as { code?: unknown }).code)) {
      return error.message;
    }
    throw error;
  }
}

function notOpen(name: string): never {
  throw new Error(`${name} is open inside tests and hooks only`);
}

/** What a typed error says: who noticed, what was expected, what came instead, the way out. */
export interface ErrorDetails {
  /** Stable code, `area/what`, e.g. `checkpoint/missing-keys`. */
  code: string;
  /** The function that noticed. */
  where: string;
  expected: string;
  got: string;
  /** What the caller can do about it. */
  fix?: string;
  cause?: unknown;
}

const MARKER: symbol = Symbol.for('imglish.error');

/**
 * Base of every error that Imglish throws on purpose.
 *
 * `isInstance` works across duplicate copies of the package, where `instanceof` does not.
 */
export class ImglishError extends Error {
  readonly code: string;
  readonly where: string;
  readonly expected: string;
  readonly got: string;
  readonly fix: string | undefined;

  constructor(details: ErrorDetails) {
    const fix = details.fix ? ` ${details.fix}` : '';
    super(
      `${details.where}: expected ${details.expected}, got ${details.got}.${fix}`,
      details.cause === undefined ? undefined : { cause: details.cause },
    );
    this.name = new.target.name;
    this.code = details.code;
    this.where = details.where;
    this.expected = details.expected;
    this.got = details.got;
    this.fix = details.fix;
    Object.defineProperty(this, MARKER, { value: true });
  }

  static isInstance(error: unknown): error is ImglishError {
    return typeof error === 'object' && error !== null && MARKER in error;
  }
}

/** A configuration, preset or option that cannot be: `config/…`. */
export class ConfigError extends ImglishError {}
/** Tensors whose shapes do not fit: `shape/…`. */
export class ShapeError extends ImglishError {}
/** A weights file or model directory that cannot be read or does not fit: `checkpoint/…`. */
export class CheckpointError extends ImglishError {}
/** A tokenizer model, token id or text that cannot be handled: `tokenizer/…`. */
export class TokenizerError extends ImglishError {}
/** An image that cannot be decoded, resized or cut into patches: `image/…`. */
export class ImageError extends ImglishError {}
/** A data set, caption file or record that cannot be read: `data/…`. */
export class DataError extends ImglishError {}
/** An engine that is absent, incomplete, full or present twice: `backend/…`. */
export class BackendError extends ImglishError {}
/** A training run that cannot start or go on: `train/…`. */
export class TrainError extends ImglishError {}
/** Reading or writing bytes failed: `io/…`. */
export class IoError extends ImglishError {}

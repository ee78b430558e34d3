import { ConfigError } from '../errors/errors.js';

/** The expert that serves a stretch of the sequence: vision, language, or a further one by name. */
export type Way = string;

/**
 * `released`: attention, norms and feed-forward separate for vision and language everywhere.
 * `paper`: self-attention shared; in the top layers vision-language experts replace both
 * feed-forward experts in fused passes (arXiv 2208.10442, section 2.1).
 */
export type Variant = 'released' | 'paper';

/** How a model is built. Plain JSON: it is the `config.json` of a model directory. */
export interface ModelConfig {
  /** Pixels `[height, width]`; other grids are served by resizing the positions. */
  imageSize: [number, number];
  /** Pixels. */
  patchSize: number;
  /** Rows of the word embedding; may exceed the tokenizer's size. */
  vocabularySize: number;
  /** Width of the sequence, D. */
  dim: number;
  heads: number;
  /** Hidden width of the feed-forward network. */
  ffnDim: number;
  layers: number;
  variant: Variant;
  /** Top layers with a vision-language expert; `paper` only. */
  fusionLayers: number;
  /** Rows of the text position table; two of them are never read, so texts have at most two less. */
  maxTextPositions: number;
  /** Whether a norm follows the last layer. */
  normalizeOutput: boolean;
  /** Stochastic depth: rate of the last layer; grows linearly from 0 at the first. */
  dropPathRate: number;
  layerNormEpsilon: number;
  /** Ways beyond vision (A) and language (B), with the rows of their position tables. */
  furtherWays: { way: Way; positions: number }[];
}

const DEFAULTS = {
  variant: 'released',
  fusionLayers: 0,
  maxTextPositions: 1024,
  normalizeOutput: true,
  dropPathRate: 0,
  layerNormEpsilon: 1e-5,
  furtherWays: [],
} satisfies Partial<ModelConfig>;

const REQUIRED = [
  'imageSize',
  'patchSize',
  'vocabularySize',
  'dim',
  'heads',
  'ffnDim',
  'layers',
] as const;

/** Far beyond any model; a file that asks for more is damaged, not ambitious. */
const MAX_SIZE = 2 ** 17;
const MAX_ROWS = 2 ** 26;
const MAX_LAYERS = 1024;
const MAX_WAYS = 64;
/** Characters of a wrong value that a message repeats. */
const MAX_SHOWN = 80;
/** Unknown keys that a message names. */
const MAX_NAMED = 10;

const KNOWN: string[] = [...REQUIRED, ...Object.keys(DEFAULTS)];

/** What a caller must give; the rest has the reference's defaults. */
export type ModelConfigInput = Pick<ModelConfig, (typeof REQUIRED)[number]> & Partial<ModelConfig>;

/**
 * A complete, checked configuration.
 *
 * Throws `ConfigError`: `config/unknown-key` (naming the nearest known one), `config/missing-key`,
 * `config/invalid-value`.
 */
export function modelConfig(input: ModelConfigInput): ModelConfig {
  rejectUnknownKeys('modelConfig', input, KNOWN);
  for (const key of REQUIRED) {
    if (input[key] === undefined) {
      throw new ConfigError({
        code: 'config/missing-key',
        where: 'modelConfig',
        expected: `the keys ${REQUIRED.join(', ')}`,
        got: `no "${key}"`,
      });
    }
  }
  const config: ModelConfig = { ...DEFAULTS, ...input };
  const sizes = ['patchSize', 'dim', 'heads', 'ffnDim'] as const;
  for (const key of sizes) mustBeInteger(config[key], key, 1, MAX_SIZE);
  mustBeInteger(config.layers, 'layers', 1, MAX_LAYERS);
  mustBeInteger(config.vocabularySize, 'vocabularySize', 1, MAX_ROWS);
  mustBeInteger(config.maxTextPositions, 'maxTextPositions', 3, MAX_ROWS);
  mustBeInteger(config.fusionLayers, 'fusionLayers', 0, MAX_SIZE);
  const size: unknown = config.imageSize;
  const isPair = Array.isArray(size) && size.length === 2;
  must(isPair, 'imageSize', 'a pair [height, width]', size);
  for (const side of config.imageSize) {
    mustBeInteger(side, 'imageSize', 1, MAX_SIZE);
    const divides = side % config.patchSize === 0;
    must(divides, 'imageSize', `multiples of patchSize (${config.patchSize})`, size);
  }
  must(config.dim % config.heads === 0, 'heads', `a divisor of dim (${config.dim})`, config.heads);
  must(
    config.variant === 'released' || config.variant === 'paper',
    'variant',
    '"released" or "paper"',
    config.variant,
  );
  must(
    config.fusionLayers <= config.layers &&
      (config.variant === 'paper' || config.fusionLayers === 0),
    'fusionLayers',
    'at most `layers`, and 0 unless variant is "paper"',
    config.fusionLayers,
  );
  must(
    typeof config.normalizeOutput === 'boolean',
    'normalizeOutput',
    'a boolean',
    config.normalizeOutput,
  );
  must(
    Number.isFinite(config.dropPathRate) && config.dropPathRate >= 0 && config.dropPathRate < 1,
    'dropPathRate',
    'a number in [0, 1)',
    config.dropPathRate,
  );
  must(
    Number.isFinite(config.layerNormEpsilon) && config.layerNormEpsilon > 0,
    'layerNormEpsilon',
    'a positive number',
    config.layerNormEpsilon,
  );
  must(Array.isArray(config.furtherWays), 'furtherWays', 'a list', config.furtherWays);
  must(config.furtherWays.length <= MAX_WAYS, 'furtherWays', `at most ${MAX_WAYS}`, 'more');
  const names = new Set(['A', 'B', 'VL']);
  for (const further of config.furtherWays) {
    const isObject = typeof further === 'object' && further !== null;
    must(isObject, 'furtherWays', 'a list of {way, positions}', further);
    rejectUnknownKeys('modelConfig furtherWays', further, ['way', 'positions']);
    const { way, positions } = further;
    must(
      typeof way === 'string' && /^[A-Za-z][A-Za-z0-9_]*$/.test(way) && !names.has(way),
      'furtherWays',
      'new names of letters, digits and _',
      way,
    );
    names.add(way);
    mustBeInteger(positions, 'furtherWays.positions', 3, MAX_ROWS);
  }
  return config;
}

/** Patches `[rows, columns]` of an image of the configured size. */
export function patchGrid(config: Pick<ModelConfig, 'imageSize' | 'patchSize'>): [number, number] {
  const [height, width] = config.imageSize;
  return [height / config.patchSize, width / config.patchSize];
}

/** Throws `config/unknown-key`, naming the nearest known key, for each key that is not known. */
export function rejectUnknownKeys(where: string, input: object, known: readonly string[]): void {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw new ConfigError({
      code: 'config/invalid-value',
      where,
      expected: 'a JSON object',
      got: Array.isArray(input) ? 'a list' : String(input),
    });
  }
  const unknown = Object.keys(input).filter((key) => !known.includes(key));
  if (unknown.length > 0) {
    const named = unknown
      .slice(0, MAX_NAMED)
      .map((key) => `"${clipped(key)}" (nearest: "${nearestName(key, known)}")`);
    if (unknown.length > MAX_NAMED) named.push(`${unknown.length - MAX_NAMED} more`);
    throw new ConfigError({
      code: 'config/unknown-key',
      where,
      expected: `only the keys ${known.join(', ')}`,
      got: named.join(', '),
    });
  }
}

/** The name at the least edit distance (Levenshtein) from `name`. */
export function nearestName(name: string, names: readonly string[]): string {
  let best = '';
  let least = Number.POSITIVE_INFINITY;
  const start = name.slice(0, MAX_SHOWN).toLowerCase();
  for (const candidate of names) {
    const distance = editDistance(start, candidate.toLowerCase());
    if (distance < least) {
      least = distance;
      best = candidate;
    }
  }
  return best;
}

function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++) {
      const substitute = row[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1);
      next.push(Math.min(substitute, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[b.length]!;
}

function mustBeInteger(value: unknown, key: string, least: number, most: number): void {
  const valid = Number.isSafeInteger(value) && (value as number) >= least;
  must(valid && (value as number) <= most, key, `an integer from ${least} to ${most}`, value);
}

function must(valid: boolean, key: string, expected: string, value: unknown): void {
  if (valid) return;
  throw new ConfigError({
    code: 'config/invalid-value',
    where: 'modelConfig',
    expected: `${key} to be ${expected}`,
    got: clipped(JSON.stringify(value) ?? String(value)),
  });
}

/** Long enough to recognise, short enough to read. */
export function clipped(text: string): string {
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

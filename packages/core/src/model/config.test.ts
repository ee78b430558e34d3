import { describe, expect, it } from 'vitest';
import { smallConfig } from '../../test/small-model.js';
import {
  type ModelConfigInput,
  modelConfig,
  nearestName,
  patchGrid,
  rejectUnknownKeys,
} from './config.js';
import { PRESET_NAMES, preset } from './presets.js';

const required: ModelConfigInput = {
  imageSize: [32, 48],
  patchSize: 8,
  vocabularySize: 100,
  dim: 16,
  heads: 4,
  ffnDim: 64,
  layers: 2,
};

describe('modelConfig', () => {
  it("fills in the reference's defaults, and takes its own result", () => {
    const config = modelConfig(required);
    expect(config).toEqual({
      ...required,
      variant: 'released',
      fusionLayers: 0,
      maxTextPositions: 1024,
      normalizeOutput: true,
      dropPathRate: 0,
      layerNormEpsilon: 1e-5,
      furtherWays: [],
    });
    expect(modelConfig(JSON.parse(JSON.stringify(config)))).toEqual(config);
    expect(patchGrid(config)).toEqual([4, 6]);
  });

  it.each(['layer', 'Dim', 'fnDim', 'drop_path_rate', 'normalizedOutput'])(
    'refuses "%s" and names the nearest key',
    (key) => {
      const nearest: Record<string, string> = {
        layer: 'layers',
        Dim: 'dim',
        fnDim: 'ffnDim',
        drop_path_rate: 'dropPathRate',
        normalizedOutput: 'normalizeOutput',
      };
      expect(() => modelConfig({ ...required, [key]: 1 })).toThrow(
        expect.objectContaining({
          code: 'config/unknown-key',
          message: expect.stringContaining(`"${key}" (nearest: "${nearest[key]}")`),
        }),
      );
    },
  );

  it.each(Object.keys(required))('misses "%s"', (key) => {
    const { [key as 'dim']: _, ...rest } = required;
    expect(() => modelConfig(rest as ModelConfigInput)).toThrow(
      expect.objectContaining({ code: 'config/missing-key', got: `no "${key}"` }),
    );
  });

  it.each<[string, unknown]>([
    ['imageSize', 32],
    ['imageSize', [32]],
    ['imageSize', [32, 20]],
    ['imageSize', [0, 8]],
    ['patchSize', 0],
    ['vocabularySize', 1.5],
    ['dim', '16'],
    ['heads', 3],
    ['ffnDim', -1],
    ['layers', Number.NaN],
    ['variant', 'Paper'],
    ['fusionLayers', 1],
    ['fusionLayers', -1],
    ['maxTextPositions', 2],
    ['normalizeOutput', 1],
    ['dropPathRate', 1],
    ['dropPathRate', -0.1],
    ['dropPathRate', Number.NaN],
    ['layerNormEpsilon', 0],
    ['layerNormEpsilon', Number.POSITIVE_INFINITY],
    ['furtherWays', 'audio'],
    ['furtherWays', [{ way: 'A', positions: 9 }]],
    ['furtherWays', [{ way: 'a.b', positions: 9 }]],
    ['furtherWays', [{ way: 'audio', positions: 2 }]],
    [
      'furtherWays',
      [
        { way: 'audio', positions: 9 },
        { way: 'audio', positions: 9 },
      ],
    ],
  ])('refuses %s: %j', (key, value) => {
    expect(() => modelConfig({ ...required, [key]: value } as ModelConfigInput)).toThrow(
      expect.objectContaining({
        code: 'config/invalid-value',
        expected: expect.stringContaining(key),
      }),
    );
  });

  it('refuses more fusion layers than layers', () => {
    expect(() => smallConfig({ variant: 'paper', fusionLayers: 4 })).toThrow(/fusionLayers/);
    expect(smallConfig({ variant: 'paper', fusionLayers: 3 }).fusionLayers).toBe(3);
  });

  it.each([null, [], 'base'])('refuses %j', (value) => {
    expect(() => modelConfig(value as never)).toThrow(
      expect.objectContaining({ code: 'config/invalid-value' }),
    );
  });
});

describe('names', () => {
  it('nearest by edit distance, whatever the case', () => {
    expect(nearestName('larg', ['base', 'large'])).toBe('large');
    expect(nearestName('BASE', ['large', 'base'])).toBe('base');
    expect(nearestName('x', [])).toBe('');
  });

  it('all the unknown ones at once', () => {
    const check = () => rejectUnknownKeys('here', { size: 1, colour: 2, width: 3 }, ['width']);
    expect(check).toThrow(/here: .*"size".*"colour"/);
  });
});

describe('presets', () => {
  it.each(PRESET_NAMES)('%s is a configuration, new each time', (name) => {
    expect(modelConfig(preset(name))).toEqual(preset(name));
    expect(preset(name)).not.toBe(preset(name));
    preset(name).imageSize[0] = 0;
    expect(preset(name).imageSize[0]).toBeGreaterThan(0);
  });

  it('an unknown one is refused, and the nearest named', () => {
    for (const name of ['bse', 'toString', undefined]) {
      expect(() => preset(name as never)).toThrow(
        expect.objectContaining({ code: 'config/unknown-preset' }),
      );
    }
    expect(() => preset('bse' as never)).toThrow(/base/);
  });
});

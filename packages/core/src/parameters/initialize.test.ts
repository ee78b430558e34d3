import '@tensorflow/tfjs-backend-cpu';
import { dispose } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { valuesOf } from '../../test/numbers.js';
import { smallConfig } from '../../test/small-model.js';
import { backboneSpecs, linearSpecs } from '../model/specs.js';
import { initializeParameters, initialValues } from './initialize.js';
import { disposeAll, type Initializer, parameter } from './parameters.js';

const COUNT = 40_000;
const drawn = (init: Initializer, name = 'p', seed = 1) =>
  initialValues(name, { shape: [200, COUNT / 200], init }, seed);

function moments(values: Float32Array): { mean: number; std: number; most: number } {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  const variance = values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
  return {
    mean,
    std: Math.sqrt(variance),
    most: values.reduce((m, x) => Math.max(m, Math.abs(x)), 0),
  };
}

/** Standard deviation of N(0, 1) cut at ±1: √(1 − 2 φ(1) / (2 Φ(1) − 1)). */
const CUT_AT_ONE = Math.sqrt(1 - (2 * Math.exp(-0.5)) / Math.sqrt(2 * Math.PI) / 0.6826894921);

/** Four standard errors. */
const close = (value: number, expected: number, std: number) =>
  expect(Math.abs(value - expected)).toBeLessThan((4 * std) / Math.sqrt(COUNT));

describe('initialValues', () => {
  it('cuts N(0, 0.02²) at one standard deviation, which leaves 0.0108', () => {
    const { mean, std, most } = moments(drawn({ kind: 'truncatedNormal', std: 0.02, limit: 0.02 }));
    close(mean, 0, 0.0108);
    close(std, 0.02 * CUT_AT_ONE, 0.0108);
    expect(0.02 * CUT_AT_ONE).toBeCloseTo(0.0108, 4);
    expect(most).toBeLessThanOrEqual(Math.fround(0.02));
    expect(most).toBeGreaterThan(0.0199);
  });

  it('scales what was cut', () => {
    const init = { kind: 'truncatedNormal', std: 0.02, limit: 0.02 } as const;
    const [plain, scaled] = [drawn(init), drawn({ ...init, scale: 0.001 })];
    expect([...scaled.subarray(0, 9)].map((x) => (x * 1000).toFixed(6))).toEqual(
      [...plain.subarray(0, 9)].map((x) => x.toFixed(6)),
    );
  });

  it('draws N(0, std²) and U(−limit, limit)', () => {
    const normal = moments(drawn({ kind: 'normal', std: 0.25 }));
    close(normal.mean, 0, 0.25);
    close(normal.std, 0.25, 0.25);
    expect(normal.most).toBeGreaterThan(0.75);
    const uniform = moments(drawn({ kind: 'uniform', limit: 0.3 }));
    close(uniform.mean, 0, 0.3);
    close(uniform.std, 0.3 / Math.sqrt(3), 0.3);
    expect(uniform.most).toBeLessThanOrEqual(Math.fround(0.3));
  });

  it('fills with zeros, ones and a constant', () => {
    const spec = (init: Initializer) => initialValues('p', { shape: [2], init }, 1);
    expect([...spec({ kind: 'zeros' })]).toEqual([0, 0]);
    expect([...spec({ kind: 'ones' })]).toEqual([1, 1]);
    expect([...spec({ kind: 'constant', value: 2.5 })]).toEqual([2.5, 2.5]);
    expect(initialValues('s', { shape: [], init: { kind: 'ones' } }, 1).length).toBe(1);
  });

  it('hangs on seed and name, and on nothing else', () => {
    const normal: Initializer = { kind: 'normal', std: 1 };
    expect(drawn(normal)).toEqual(drawn(normal));
    expect(drawn(normal, 'p', 2)).not.toEqual(drawn(normal, 'p', 1));
    expect(drawn(normal, 'q', 1)).not.toEqual(drawn(normal, 'p', 1));
  });
});

describe('the beginning of a backbone', () => {
  const config = smallConfig({ dim: 16 });
  const specs = backboneSpecs(config);
  const of = (name: string) => specs[`beit3.${name}`]!.init;

  it("is the reference's", () => {
    const cut = { kind: 'truncatedNormal', std: 0.02, limit: 0.02 };
    const uniform = { kind: 'uniform', limit: 1 / Math.sqrt(3 * 2 * 2) };
    expect(of('text_embed.weight')).toEqual({ kind: 'normal', std: 0.25 });
    expect(of('encoder.embed_positions.A.weight')).toEqual({ kind: 'normal', std: 1 });
    expect(of('encoder.embed_positions.B.weight')).toEqual({ kind: 'normal', std: 1 });
    expect(of('vision_embed.proj.weight')).toEqual(uniform);
    expect(of('vision_embed.proj.bias')).toEqual(uniform);
    expect(of('vision_embed.cls_token')).toEqual({ kind: 'zeros' });
    expect(of('vision_embed.mask_token')).toEqual({ kind: 'zeros' });
    for (const [name, { init, shape }] of Object.entries(specs)) {
      if (!name.includes('.layers.')) continue;
      const isNorm = /(layer_?norm|_ln)\.(?:[AB]\.)?/.test(name);
      if (name.endsWith('.bias')) expect(init, name).toEqual({ kind: 'zeros' });
      else if (isNorm) expect(init, name).toEqual({ kind: 'ones' });
      else expect([init, shape.length], name).toEqual([cut, 2]);
    }
  });

  it('differs between experts: B is drawn anew', () => {
    const parameters = initializeParameters(specs, 3);
    const weight = (way: string) =>
      valuesOf(parameters[`beit3.encoder.layers.0.ffn.${way}.fc1.weight`]!);
    expect(weight('A')).not.toEqual(weight('B'));
    expect(Object.keys(parameters)).toEqual(Object.keys(specs));
    for (const [name, { shape }] of Object.entries(specs)) {
      expect(parameters[name]!.shape).toEqual(shape);
    }
    const again = initializeParameters(specs, 3);
    expect(valuesOf(again['beit3.text_embed.weight']!)).toEqual(
      valuesOf(parameters['beit3.text_embed.weight']!),
    );
    dispose([parameters, again]);
  });

  it('scales a head where it is asked to', () => {
    const weight = linearSpecs('head', 4, 2, { scale: 0.001 })['head.weight']!;
    expect(weight).toEqual({
      shape: [2, 4],
      init: { kind: 'truncatedNormal', std: 0.02, limit: 0.02, scale: 0.001 },
    });
    expect(Object.keys(linearSpecs('head', 4, 2, { bias: false }))).toEqual(['head.weight']);
  });
});

describe('parameters', () => {
  it('are found by name, or missed by name', () => {
    const parameters = initializeParameters({ a: { shape: [1], init: { kind: 'ones' } } }, 0);
    expect(parameter(parameters, 'a')).toBe(parameters.a);
    expect(() => parameter(parameters, 'b')).toThrow(
      expect.objectContaining({
        code: 'checkpoint/missing-keys',
        expected: expect.stringMatching(/ b$/),
      }),
    );
    disposeAll(parameters);
    expect(parameters.a!.isDisposed).toBe(true);
  });
});

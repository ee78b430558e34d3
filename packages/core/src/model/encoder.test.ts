import { withoutLeaks } from '@imglish/testing';
import '@tensorflow/tfjs-backend-cpu';
import {
  dispose,
  memory,
  mul,
  ones,
  type Scalar,
  square,
  sum,
  type Tensor3D,
  tensor,
  tensor2d,
  tidy,
  zeros,
  zerosLike,
} from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { expectClose, normals, valuesOf } from '../../test/numbers.js';
import { pixelsOf, smallModel, textOf, VARIANTS } from '../../test/small-model.js';
import { valueAndGradients } from '../autodiff/autodiff.js';
import { type Engine, engine } from '../autodiff/engine.js';
import type { Parameters } from '../parameters/parameters.js';
import { type Beit3Inputs, beit3 } from './beit3.js';
import { drawDropPath } from './drop-path.js';
import type { EncoderOptions } from './encoder.js';
import { unidirectionalMask } from './masks.js';

const { config } = smallModel();
const PATCHES = 6;
const pixels = pixelsOf(config, 2);
const textIds = textOf(config, 2, 5);

describe('drop path', () => {
  it('multiplies both branches of each sample; 0 everywhere leaves the embedding', () => {
    const plain = smallModel({ normalizeOutput: false });
    const run = (dropPath: Tensor3D) =>
      beit3(
        plain.parameters,
        plain.config,
        { image: { pixels }, textIds },
        { dropPath, hiddenStates: true },
      );
    tidy(() => {
      const none = run(zeros([3, 2, 2]));
      expect(valuesOf(none.sequence)).toEqual(valuesOf(none.hiddenStates[0]!));
      const all = run(ones([3, 2, 2]));
      const bare = beit3(plain.parameters, plain.config, { image: { pixels }, textIds });
      expectClose(all.sequence, bare.sequence, 1e-6);
      // sample 1 drops all, sample 0 nothing
      const one = run(tensor([1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0], [3, 2, 2]) as Tensor3D);
      const half = one.sequence.size / 2;
      expectClose(
        valuesOf(one.sequence).slice(0, half),
        valuesOf(all.sequence).slice(0, half),
        1e-6,
      );
      expect(valuesOf(one.sequence).slice(half)).toEqual(valuesOf(none.sequence).slice(half));
    });
  });

  it.each([
    ['attention', [0, 0, 1, 1], /self_attn\.out_proj/],
    ['feed-forward', [1, 1, 0, 0], /ffn\..*fc2/],
  ] as const)('without the branch of %s is as if its last weights were 0', (_, factors, last) => {
    const { parameters, config } = smallModel({ layers: 1 });
    tidy(() => {
      const silenced = Object.fromEntries(
        Object.entries(parameters).map(([name, value]) => [
          name,
          last.test(name) ? zerosLike(value) : value,
        ]),
      );
      const dropPath = tensor([...factors], [1, 2, 2]) as Tensor3D;
      const dropped = beit3(parameters, config, { textIds }, { dropPath });
      expectClose(dropped.sequence, beit3(silenced, config, { textIds }).sequence, 1e-6);
    });
  });

  it('scales a branch by its factor', () => {
    const plain = smallModel({ normalizeOutput: false, layers: 1 });
    const run = (factors: number[]) => {
      const dropPath = tensor(factors, [1, 2, 2]) as Tensor3D;
      return valuesOf(beit3(plain.parameters, plain.config, { textIds }, { dropPath }).sequence);
    };
    tidy(() => {
      // with one branch off, the output is linear in the factor of the other
      for (const of of [(f: number) => [f, f, 0, 0], (f: number) => [0, 0, f, f]]) {
        const [zero, one, three] = [0, 1, 3].map((f) => run(of(f)));
        const change = (x: number[]) => x.map((value, i) => value - zero![i]!);
        expectClose(
          change(three!),
          change(one!).map((x) => 3 * x),
        );
      }
    });
  });
});

describe('recompute in the encoder', () => {
  const paddingMask = tensor2d([0, 0, 0, 0, 1, 0, 0, 0, 0, 0], [2, 5]);
  const attentionMask = tensor2d(unidirectionalMask(7, 5), [12, 12]);
  const imageMask = tensor2d([0, 1, 0, 0, 1, 1, 1, 0, 0, 0, 0, 0], [2, PATCHES]);

  function pass(
    given: Parameters,
    model: typeof config,
    inputs: Beit3Inputs,
    options: EncoderOptions,
  ) {
    const { loss, gradients } = valueAndGradients((p) => {
      const { sequence } = beit3(p, model, inputs, options);
      const weights = tensor(normals(sequence.size, 3), sequence.shape);
      return { loss: sum(mul(sequence, weights)) as Scalar };
    }, given);
    const values = Object.entries({ loss, ...gradients }).map(([name, g]) => [name, valuesOf(g)]);
    dispose([loss, gradients]);
    return Object.fromEntries(values) as Record<string, number[]>;
  }

  const inputs: [string, Beit3Inputs, EncoderOptions][] = [
    ['an image', { image: { pixels } }, {}],
    ['a text', { textIds, paddingMask }, {}],
    ['a pair', { image: { pixels }, textIds }, {}],
    ['masks', { image: { pixels }, imageMask, textIds, paddingMask }, { attentionMask }],
  ];

  describe.each(VARIANTS)('%s', (_, changes) => {
    const model = smallModel({ ...changes, dropPathRate: 0.5 });
    const dropPath = tensor(drawDropPath(model.config, 1, 0, [0, 1]), [3, 2, 2]) as Tensor3D;

    it.each(inputs)('gives the gradients of the plain pass: %s', (_, inputs, options) => {
      for (const drops of [undefined, dropPath]) {
        const given = { ...options, dropPath: drops };
        const run = (recompute: boolean) =>
          withoutLeaks(() => pass(model.parameters, model.config, inputs, { ...given, recompute }));
        const [plain, recomputed] = [run(false), run(true)];
        expect(Object.keys(recomputed).sort()).toEqual(Object.keys(plain).sort());
        for (const [name, values] of Object.entries(plain)) {
          expectClose(recomputed[name]!, values, 1e-6);
        }
      }
    });
  });
});

describe('the memory of a pass over 6 layers', () => {
  const { config, parameters } = smallModel({ layers: 6, imageSize: [16, 16] });
  const image = { pixels: pixelsOf(config, 4) };

  /** Most bytes above those before, seen whenever a tensor comes to be. */
  function peak(recompute: boolean): number {
    const before = memory().numBytes;
    let most = 0;
    const track = engine().trackTensor;
    const spy = vi.spyOn(engine(), 'trackTensor').mockImplementation(function (
      this: Engine,
      ...args
    ) {
      track.apply(engine(), args);
      most = Math.max(most, engine().state.numBytes - before);
    });
    const { loss, gradients } = valueAndGradients(
      (p) => ({ loss: sum(square(beit3(p, config, { image }, { recompute }).sequence)) as Scalar }),
      parameters,
    );
    spy.mockRestore();
    dispose([loss, gradients]);
    return most;
  }

  it('is less than half with recompute', () => {
    const [plain, recomputed] = [peak(false), peak(true)];
    console.info(`peak: ${plain} bytes, with recompute ${recomputed}`);
    expect(recomputed).toBeLessThan(plain / 2);
  });
});

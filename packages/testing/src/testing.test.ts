import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  compareAllClose,
  eachBackend,
  expectAllClose,
  matchers,
  relativeNormDifference,
  withoutLeaks,
} from './index.js';

describe('expectAllClose', () => {
  it('shows the worst element', () => {
    const actual = { data: [1, 2, 3, 4.5], shape: [2, 2] };
    expect(() => expectAllClose(actual, [1, 2.1, 3, 4])).toThrowError(
      /2 of 4 elements.*at \[1,1\], is 4\.5 instead of 4, 5\.00e-1 apart/,
    );
  });

  it('takes absolute and relative tolerance together', () => {
    expect(compareAllClose([100.5], [100], { absolute: 0.1, relative: 0.004 }).close).toBe(true);
    expect(compareAllClose([100.6], [100], { absolute: 0.1, relative: 0.004 }).close).toBe(false);
    expect(compareAllClose([1 + 2e-5], [1]).close).toBe(false);
  });

  it('compares shapes and counts', () => {
    const tensor = tf.ones([2, 3]);
    expect(() => expectAllClose(tensor, { data: tensor.dataSync(), shape: [3, 2] })).toThrowError(
      'shape [2,3] instead of [3,2]',
    );
    expect(() => expectAllClose(tensor, [1])).toThrowError('6 elements instead of 1');
    expectAllClose(tensor, [1, 1, 1, 1, 1, 1]);
    tensor.dispose();
  });

  it('lets nothing be close to NaN, and infinity to itself only', () => {
    const [nan, infinity] = [Number.NaN, Number.POSITIVE_INFINITY];
    expect(compareAllClose([nan], [nan]).close).toBe(false);
    expect(compareAllClose([0, nan, 5], [0, 1, 2]).message).toMatch(/at \[1\], is NaN/);
    expect(compareAllClose([infinity], [infinity]).close).toBe(true);
    expect(compareAllClose([1], [infinity], { relative: 1 }).close).toBe(false);
    expect(compareAllClose([], []).close).toBe(true);
  });

  it('is a matcher', () => {
    expect(matchers.toBeAllClose([1], [1]).pass).toBe(true);
    const { pass, message } = matchers.toBeAllClose([1], [2], { absolute: 0.5 });
    expect(pass).toBe(false);
    expect(message()).toMatch(/1 instead of 2/);
  });
});

describe('relativeNormDifference', () => {
  it('divides by the norm of the reference, or by the floor', () => {
    expect(relativeNormDifference([3, 4.5], [3, 4])).toBeCloseTo(0.1);
    expect(relativeNormDifference([0, 0.5], [0, 0], 2)).toBeCloseTo(0.25);
    expect(relativeNormDifference([0, 0], [0, 0])).toBe(0);
    expect(relativeNormDifference([0, 1], [0, 0])).toBe(Number.POSITIVE_INFINITY);
    expect(() => relativeNormDifference([1], [1, 2])).toThrowError('1 elements instead of 2');
  });
});

describe('withoutLeaks', () => {
  it('names what stayed', async () => {
    let kept: tf.Tensor | undefined;
    expect(() =>
      withoutLeaks(() => {
        kept = tf.ones([3]);
      }),
    ).toThrowError('+1 tensors, +1 buffers, +12 bytes');
    expect(() => withoutLeaks(() => kept!.dispose())).toThrowError('−1 tensors');
    const value = withoutLeaks(() => tf.tidy(() => tf.sum(tf.ones([3])).dataSync()[0]));
    expect(value).toBe(3);
  });

  it('waits for a promise', async () => {
    let kept: tf.Tensor | undefined;
    const leaky = withoutLeaks(async () => {
      await Promise.resolve();
      kept = tf.scalar(1);
    });
    await expect(leaky).rejects.toThrowError('+1 tensors');
    kept!.dispose();
    expect(await withoutLeaks(async () => 'clean')).toBe('clean');
  });
});

const cpu = async () => {
  await tf.setBackend('cpu');
  return { name: 'cpu', use: async () => {}, dispose: () => {} };
};
const absent = () =>
  Promise.reject(Object.assign(new Error('no device'), { code: 'backend/unavailable' }));
const ran: string[] = [];

await eachBackend({ describe, beforeAll, afterAll }, { cpu, absent }, (backend) => {
  it('runs where the backend is there', () => {
    ran.push(backend().name);
    expect(tf.getBackend()).toBe('cpu');
  });
});

describe('eachBackend', () => {
  it('ran the body once, and skipped the absent one by name', async () => {
    expect(ran).toEqual(['cpu']);
    const skipped: string[] = [];
    const fake = Object.assign((_: string, body: () => void) => body(), {
      skip: (name: string) => void skipped.push(name),
    });
    const framework = { describe: fake, beforeAll: () => {}, afterAll: () => {} };
    await eachBackend(framework, { absent }, () => {});
    expect(skipped).toEqual(['absent (absent: no device)']);
  });

  it('lets an error through that is not absence', async () => {
    const broken = () => Promise.reject(new Error('a bug'));
    const framework = { describe, beforeAll, afterAll };
    await expect(eachBackend(framework, { broken }, () => {})).rejects.toThrowError('a bug');
  });
});

import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openBackend } from './backend.js';

/** A backend that computes nothing and counts how often it was destroyed. */
class Fake extends tf.KernelBackend {
  destroyed = 0;
  override dispose(): void {
    this.destroyed += 1;
  }
}

describe('openBackend', () => {
  it('makes it current, shares it, and removes it with its last user', async () => {
    const fake = new Fake();
    let made = 0;
    const create = () => {
      made += 1;
      return fake;
    };
    const [first, second] = await Promise.all([
      openBackend('fake', { create }),
      openBackend('fake', { create }),
    ]);
    expect(made).toBe(1);
    expect(tf.getBackend()).toBe('fake');
    expect(tf.backend()).toBe(fake);
    first.dispose();
    first.dispose();
    expect([first.ready, second.ready, fake.destroyed]).toEqual([false, true, 0]);
    second.dispose();
    expect([second.ready, fake.destroyed]).toEqual([false, 1]);
    await expect(second.use()).rejects.toMatchObject({ code: 'backend/disposed' });

    const again = await openBackend('fake', { create });
    expect(made).toBe(2);
    again.dispose();
  });

  it('never destroys a backend that it did not make', async () => {
    const theirs = new Fake();
    tf.registerBackend('theirs', () => theirs);
    await tf.setBackend('theirs');
    let prepared: tf.KernelBackend | undefined;
    const backend = await openBackend('theirs', {
      create: () => new Fake(),
      prepare: (instance) => {
        prepared = instance;
      },
    });
    expect(prepared).toBe(theirs);
    backend.dispose();
    expect(theirs.destroyed).toBe(0);
    expect(tf.backend()).toBe(theirs);
    tf.removeBackend('theirs');
  });

  it('gives the factory back that was registered before', async () => {
    const theirs = new Fake();
    tf.registerBackend('lazy', () => theirs);
    const backend = await openBackend('lazy', { create: () => new Fake() });
    expect(tf.backend()).not.toBe(theirs);
    backend.dispose();
    await tf.setBackend('lazy');
    expect(tf.backend()).toBe(theirs);
    tf.removeBackend('lazy');
  });

  it('keeps two open and switches between them', async () => {
    const a = await openBackend('a', { create: () => new Fake() });
    const b = await openBackend('b', { create: () => new Fake() });
    expect(tf.getBackend()).toBe('b');
    await a.use();
    expect(tf.getBackend()).toBe('a');
    a.dispose();
    expect(b.ready).toBe(true);
    b.dispose();
  });

  it('says why an engine did not start, and can be tried again', async () => {
    const create = () => Promise.reject(new Error('no wasm here'));
    await expect(openBackend('broken', { create })).rejects.toMatchObject({
      code: 'backend/unavailable',
      got: 'no wasm here',
    });
    const backend = await openBackend('broken', { create: () => new Fake() });
    expect(backend.ready).toBe(true);
    backend.dispose();
  });

  it('notices that somebody else removed it', async () => {
    const backend = await openBackend('gone', { create: () => new Fake() });
    tf.removeBackend('gone');
    expect(backend.ready).toBe(false);
    const again = await openBackend('gone', { create: () => new Fake() });
    expect(again.ready).toBe(true);
    backend.dispose();
    expect(again.ready).toBe(true);
    again.dispose();
  });
});

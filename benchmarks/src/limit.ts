import { draw } from '@imglish/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { median } from './compare.js';
import { productModel, productShapes } from './product-model.js';
import { operations, type Product } from './products.js';
import type { Side } from './race.js';
import { timed } from './timed.js';

/** Runs of one product whose median stands for all of them. */
const REPEATS = 5;

/** The same values again and again: what a product takes does not depend on them. */
const POOL = 2 ** 16;

/** What the products of a graph take alone, without anything between them. */
export interface Limit extends Side {
  dispose(): Promise<void>;
}

/**
 * The time below which an engine cannot get without faster products: every distinct product as a
 * model of its own, run alone at its own shape by onnxruntime with as many threads, times its count.
 * Operands are where they are, and the result is not copied.
 */
export async function productLimit(products: readonly Product[], threads: number): Promise<Limit> {
  const runners: { run: () => Promise<unknown>; count: number }[] = [];
  const sessions: InferenceSession[] = [];
  for (const product of products) {
    const { a, b } = productShapes(product);
    const constant = product.constant ? values(b) : undefined;
    const session = await InferenceSession.create(productModel(product, constant), {
      intraOpNumThreads: threads,
      interOpNumThreads: 1,
      // Else the threads of the product before would still take the processor from this one's.
      extra: { session: { intra_op: { allow_spinning: '0' } } },
    });
    sessions.push(session);
    const feeds = {
      a: new Tensor('float32', values(a), a),
      ...(constant ? {} : { b: new Tensor('float32', values(b), b) }),
    };
    runners.push({ run: () => session.run(feeds, ['first']), count: product.count });
  }
  const sum = async (): Promise<number> => {
    let seconds = 0;
    for (const { run, count } of runners) {
      await run(); // brings its operands into the caches
      seconds += median(await timed(REPEATS, run)) * count;
    }
    return seconds;
  };
  const count = products.reduce((total, product) => total + product.count, 0);
  return {
    name: 'limit: the matrix products alone',
    settings: `${count} products of ${products.length} shapes, ${(operations(products) / 1e9).toFixed(1)} GFLOP, onnxruntime-node, ${threads} threads`,
    run: async (runs) => {
      const all: number[] = [];
      for (let i = 0; i < runs; i++) all.push(await sum());
      return all;
    },
    dispose: async () => {
      for (const session of sessions) await session.release();
    },
  };
}

function values(shape: readonly number[]): Float32Array {
  const random = draw(0, 'operands');
  const pool = Float32Array.from({ length: POOL }, () => random.normal());
  const all = new Float32Array(size(shape));
  for (let at = 0; at < all.length; at += POOL) {
    all.set(pool.subarray(0, Math.min(POOL, all.length - at)), at);
  }
  return all;
}

function size(shape: readonly number[]): number {
  return shape.reduce((product, n) => product * n, 1);
}

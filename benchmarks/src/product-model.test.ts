import { draw } from '@imglish/core';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { expect, it } from 'vitest';
import { productModel, productShapes } from './product-model.js';
import type { Product } from './products.js';

const SIZES = { m: 3, k: 4, n: 5, count: 1 };

/** The same by its formula, operands transposed as they are stored. */
function multiply(product: Product, a: Float32Array, b: Float32Array): number[] {
  const { batch, m, k, n, transposeA, transposeB } = product;
  const result: number[] = [];
  for (let s = 0; s < batch; s++) {
    for (let i = 0; i < m; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let l = 0; l < k; l++) {
          const left = a[s * m * k + (transposeA ? l * m + i : i * k + l)]!;
          sum += left * b[s * k * n + (transposeB ? j * k + l : l * n + j)]!;
        }
        result.push(sum);
      }
    }
  }
  return result;
}

it.each([
  { ...SIZES, batch: 1, transposeA: false, transposeB: true, constant: true },
  { ...SIZES, batch: 1, transposeA: false, transposeB: false, constant: false },
  { ...SIZES, batch: 1, transposeA: true, transposeB: false, constant: false },
  { ...SIZES, batch: 2, transposeA: false, transposeB: false, constant: false },
])(
  'productModel computes the product $batch, $transposeA, $transposeB, $constant',
  async (product) => {
    const shapes = productShapes(product);
    const random = draw(1, 'product');
    const values = (shape: number[]) =>
      Float32Array.from({ length: shape.reduce((x, y) => x * y) }, () => random.normal());
    const [a, b] = [values(shapes.a), values(shapes.b)];
    const session = await InferenceSession.create(
      productModel(product, product.constant ? b : undefined),
    );
    expect(session.inputNames).toEqual(product.constant ? ['a'] : ['a', 'b']);
    const { c } = await session.run({
      a: new Tensor('float32', a, shapes.a),
      ...(product.constant ? {} : { b: new Tensor('float32', b, shapes.b) }),
    });
    expect(c!.dims).toEqual(shapes.c);
    const expected = multiply(product, a, b);
    expected.forEach((value, i) => {
      expect((c!.data as Float32Array)[i]).toBeCloseTo(value, 5);
    });
    await session.release();
  },
);

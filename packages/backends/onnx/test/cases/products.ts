import { exactly, floats, integers } from '../values.js';
import type { Case } from './case.js';

const both = [false, true];

export const productCases: Case[] = [
  ...both.flatMap((transposeA) =>
    both.flatMap((transposeB) => {
      const turned = (shape: number[], turn: boolean) =>
        turn ? [...shape.slice(0, -2), shape.at(-1)!, shape.at(-2)!] : shape;
      const how = `a${transposeA ? 'ᵀ' : ''} b${transposeB ? 'ᵀ' : ''}`;
      const attributes = { transposeA, transposeB };
      const pair = (
        a: number[],
        b: number[],
        make = (shape: number[], seed: number) => floats(shape, seed),
      ) => ({
        inputs: { a: make(turned(a, transposeA), 1), b: make(turned(b, transposeB), 2) },
        attributes,
      });
      return [
        { kernel: 'BatchMatMul', what: how, call: (n: number) => pair([1, n, 3], [1, 3, 4]) },
        {
          kernel: 'BatchMatMul',
          what: `${how}, matrices`,
          call: (n: number) => pair([n, 3], [3, 4]),
          reference: plainProduct(transposeA, transposeB),
        },
        {
          kernel: 'BatchMatMul',
          what: `${how}, batches`,
          call: (n: number) => pair([n, 2, 3], [n, 3, 1]),
        },
        {
          kernel: 'BatchMatMul',
          what: `${how}, broadcast`,
          call: (n: number) => pair([2, n, 2, 3], [n, 3, 2]),
        },
        {
          kernel: 'BatchMatMul',
          what: `${how}, whole numbers`,
          call: (n: number) =>
            pair([1, n, 3], [1, 3, 4], (shape, seed) => integers(shape, -4, 4, seed)),
        },
        {
          kernel: '_FusedMatMul',
          what: how,
          call: (n: number) => {
            const { inputs } = pair([1, n, 3], [1, 3, 4]);
            return {
              inputs: { ...inputs, bias: floats([4], 3) },
              attributes: { ...attributes, activation: 'relu' },
            };
          },
        },
      ] satisfies Case[];
    }),
  ),
  ...['linear', 'elu', 'relu6', 'sigmoid', 'leakyrelu', 'prelu'].map((activation) => ({
    kernel: '_FusedMatMul',
    what: activation,
    call: (n: number) => ({
      inputs: {
        a: floats([1, n, 3], 1),
        b: floats([1, 3, 4], 2),
        ...(activation === 'prelu'
          ? { preluActivationWeights: exactly([0.1, 0.2, 0.3, -0.4]) }
          : {}),
      },
      attributes: { transposeA: false, transposeB: false, activation, leakyreluAlpha: 0.3 },
    }),
  })),
  ...['ij,jk->ik', 'ij,kj->ki', 'ij,ij->'].map((equation) => ({
    kernel: 'Einsum',
    what: equation,
    call: (n: number) => ({
      inputs: { 0: floats([n, 3], 1), 1: floats(equation === 'ij,jk->ik' ? [3, 2] : [n, 3], 2) },
      attributes: { equation },
    }),
  })),
  {
    kernel: 'Einsum',
    what: 'batches',
    call: (n) => ({
      inputs: { 0: floats([2, n, 3], 1), 1: floats([2, 3, 4], 2) },
      attributes: { equation: 'bnd,bde->bne' },
    }),
  },
];

/** tfjs's own kernel takes three axes. */
function plainProduct(transposeA: boolean, transposeB: boolean): NonNullable<Case['reference']> {
  return ({ inputs }) => {
    const at = (name: string, turn: boolean) => {
      const { shape, values } = inputs[name]!;
      const [rows, columns] = turn ? [shape[1]!, shape[0]!] : [shape[0]!, shape[1]!];
      const value = (i: number, j: number) => values[turn ? j * rows + i : i * columns + j]!;
      return { rows, columns, value };
    };
    const [a, b] = [at('a', transposeA), at('b', transposeB)];
    const values = Array.from({ length: a.rows * b.columns }, (_, flat) => {
      const [i, j] = [Math.floor(flat / b.columns), flat % b.columns];
      return Array.from({ length: a.columns }, (_, k) => a.value(i, k) * b.value(k, j)).reduce(
        (x, y) => x + y,
        0,
      );
    });
    return [{ shape: [a.rows, b.columns], dtype: 'float32', values }];
  };
}

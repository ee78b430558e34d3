import {
  abs,
  add,
  cast,
  equal,
  exp,
  expandDims,
  log,
  log1p,
  max,
  mul,
  neg,
  range,
  relu,
  reshape,
  type Scalar,
  scalar,
  sigmoid,
  softmax,
  sub,
  sum,
  type Tensor,
  type Tensor1D,
  type Tensor2D,
  tidy,
} from '@tensorflow/tfjs-core';
import { differentiable } from './differentiable.js';
import { hasFused, runFused } from './dispatch.js';
import { requireShapes } from './require-shapes.js';

/** How the target mass is spread over the classes: `onTarget` on the label's, `everywhere` on each. */
export interface Smoothing {
  onTarget: number;
  everywhere: number;
}

const HARD: Smoothing = { onTarget: 1, everywhere: 0 };

/**
 * Cross entropy of each row, weighted: lᵢ = wᵢ · −Σⱼ tᵢⱼ log softmax(zᵢ)ⱼ, where
 * t = onTarget · onehot(label) + everywhere. logits z `[M, V]`, labels `[M]` int32, weights `[M]`
 * → `[M]`. A row of weight 0 is an empty slot: it costs nothing and gets no gradient.
 *
 * Fused kernels (hard targets): `ImglishCrossEntropy {logits, labels, weights} → loss [M], lse [M]`,
 * `ImglishCrossEntropyGrad {dloss [M], logits, labels, weights, lse} → dlogits`.
 */
export function crossEntropy(
  logits: Tensor2D,
  labels: Tensor1D,
  weights: Tensor1D,
  smoothing: Smoothing = HARD,
): Tensor1D {
  const [rows, classes] = logits.shape;
  const fits =
    logits.rank === 2 && [labels, weights].every(({ shape }) => shape.join() === `${rows}`);
  const expected = 'logits [M, V], labels [M], weights [M]';
  requireShapes('crossEntropy', fits, expected, { logits, labels, weights });
  const { onTarget, everywhere } = smoothing;
  const mass = onTarget + everywhere * classes;
  const fused = onTarget === 1 && everywhere === 0 && hasFused('ImglishCrossEntropy');
  return differentiable<Tensor1D>(
    [logits, labels, weights],
    (save) => {
      if (fused) {
        const [loss, lse] = runFused('ImglishCrossEntropy', { logits, labels, weights });
        save([logits, labels, weights, lse!]);
        return loss as Tensor1D;
      }
      const lse = rowLogSumExp(logits); // [M]
      save([logits, labels, weights, lse]);
      const picked = sum(mul(logits, oneHot(labels, classes)), -1); // [M]
      const spread = mul(sum(logits, -1), everywhere);
      const loss = sub(sub(mul(lse, mass), mul(picked, onTarget)), spread);
      return mul(loss, weights) as Tensor1D;
    },
    (dy, [logits, labels, weights, lse]) => {
      if (fused && hasFused('ImglishCrossEntropyGrad')) {
        const named = { dloss: dy, logits: logits!, labels: labels!, weights: weights!, lse: lse! };
        return [runFused('ImglishCrossEntropyGrad', named)[0]!, scalar(0), scalar(0)];
      }
      const probs = exp(sub(logits!, expandDims(lse!, 1))); // [M, V]
      const target = mul(oneHot(labels as Tensor1D, classes), onTarget);
      const difference = sub(sub(mul(probs, mass), target), everywhere);
      return [mul(difference, expandDims(mul(dy, weights!), 1)), scalar(0), scalar(0)];
    },
  );
}

/**
 * Σᵢ of `crossEntropy`: the loss of masked slots, to be divided by their count once, at the end.
 */
export function maskedCrossEntropy(
  logits: Tensor2D,
  labels: Tensor1D,
  weights: Tensor1D,
  smoothing: Smoothing = HARD,
): Scalar {
  return tidy(() => sum(crossEntropy(logits, labels, weights, smoothing)) as Scalar);
}

/** Cross entropy of each row with soft targets: −Σⱼ tᵢⱼ log softmax(zᵢ)ⱼ; `[M, V]` both → `[M]`. */
export function softCrossEntropy(logits: Tensor2D, targets: Tensor2D): Tensor1D {
  const fits = logits.rank === 2 && logits.shape.join() === targets.shape.join();
  requireShapes('softCrossEntropy', fits, 'both [M, V]', { logits, targets });
  return differentiable<Tensor1D>(
    [logits, targets],
    (save) => {
      save([logits, targets]);
      const logProbs = sub(logits, expandDims(rowLogSumExp(logits), 1));
      return neg(sum(mul(targets, logProbs), -1)) as Tensor1D;
    },
    (dy, [logits, targets]) => {
      const expected = mul(softmax(logits!), sum(targets!, -1, true));
      return [mul(sub(expected, targets!), expandDims(dy, 1)), scalar(0)];
    },
  );
}

/**
 * Binary cross entropy of every element: max(z, 0) − z t + log(1 + e^−|z|), as
 * `torch.nn.BCEWithLogitsLoss` before its mean. Any shape, the same for both.
 */
export function binaryCrossEntropy(logits: Tensor, targets: Tensor): Tensor {
  const fits = logits.shape.join() === targets.shape.join();
  requireShapes('binaryCrossEntropy', fits, 'two tensors of one shape', { logits, targets });
  return differentiable(
    [logits, targets],
    (save) => {
      save([logits, targets]);
      return add(sub(relu(logits), mul(logits, targets)), log1p(exp(neg(abs(logits)))));
    },
    (dy, [logits, targets]) => [mul(dy, sub(sigmoid(logits!), targets!)), scalar(0)],
  );
}

/** By comparison: tfjs-wasm's `oneHot` gives wrong floats. labels `[M]` → `[M, classes]`. */
function oneHot(labels: Tensor1D, classes: number): Tensor {
  return cast(equal(expandDims(labels, 1), range(0, classes, 1, 'int32')), 'float32');
}

/** log Σⱼ exp xᵢⱼ of each row, its gradient the softmax: x `[M, V]` → `[M]`. */
export function logSumExp(x: Tensor2D): Tensor1D {
  return differentiable<Tensor1D>(
    [x],
    (save) => {
      save([x]);
      return rowLogSumExp(x);
    },
    (dy, [x]) => [mul(softmax(x!), expandDims(dy, 1))],
  );
}

function rowLogSumExp(x: Tensor): Tensor1D {
  const top = max(x, -1, true); // [M, 1]
  return reshape(add(log(sum(exp(sub(x, top)), -1, true)), top), [-1]); // [M]
}

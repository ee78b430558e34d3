/**
 * The plain tensor ops of tfjs that model code may use, all of them differentiable by tfjs on every
 * backend. `tile` is left out on purpose (its gradient is one slice per repetition: broadcast
 * instead), and so is whatever draws random numbers.
 */
export {
  add,
  argMin,
  broadcastTo,
  cast,
  concat,
  div,
  equal,
  exp,
  expandDims,
  gather,
  greater,
  lessEqual,
  log,
  matMul,
  mean,
  mul,
  neg,
  onesLike,
  pad,
  range,
  reshape,
  scalar,
  slice,
  softmax,
  square,
  sub,
  sum,
  tanh,
  transpose,
  where,
} from '@tensorflow/tfjs-core';

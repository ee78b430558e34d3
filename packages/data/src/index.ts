export * from './dataset/dataset.js';
export * from './dataset/order.js';
export * from './dataset/split.js';

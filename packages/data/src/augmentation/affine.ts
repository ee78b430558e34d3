import type { RgbImage } from '@imglish/core';
import { toByte } from './pixels-of.js';

/** Where output pixel (x, y) is taken from: (a·x + b·y + c, d·x + e·y + f). */
export type Affine = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/** Colour of what lies outside the picture. */
export type Fill = readonly [red: number, green: number, blue: number];

/**
 * Pillow's `Image.transform(size, AFFINE, matrix, BICUBIC, fillcolor)`, to the bit: pixels are taken at
 * their centres, cubic convolution with a = −1, borders repeated, the fraction cut off.
 */
export function transformBicubic(image: RgbImage, matrix: Affine, fill: Fill): RgbImage {
  const { width, height, data } = image;
  const [a, b, c, d, e, f] = matrix;
  const out = new Uint8Array(data.length);
  const across = new Float64Array(4);
  const row = new Float64Array(4);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = 3 * (y * width + x);
      const xIn = a * (x + 0.5) + b * (y + 0.5) + c;
      const yIn = d * (x + 0.5) + e * (y + 0.5) + f;
      if (xIn < 0 || xIn >= width || yIn < 0 || yIn >= height) {
        out.set(fill, at);
        continue;
      }
      const left = Math.floor(xIn - 0.5);
      const top = Math.floor(yIn - 0.5);
      const [dx, dy] = [xIn - 0.5 - left, yIn - 0.5 - top];
      for (let channel = 0; channel < 3; channel++) {
        for (let j = 0; j < 4; j++) {
          const from = 3 * width * within(top - 1 + j, height) + channel;
          for (let i = 0; i < 4; i++) row[i] = data[from + 3 * within(left - 1 + i, width)]!;
          across[j] = cubic(row, dx);
        }
        out[at + channel] = toByte(cubic(across, dy));
      }
    }
  }
  return { width, height, data: out };
}

function cubic(v: Float64Array, d: number): number {
  const [v1, v2, v3, v4] = v as unknown as [number, number, number, number];
  const p2 = -v1 + v3;
  const p3 = 2 * (v1 - v2) + v3 - v4;
  const p4 = -v1 + v2 - v3 + v4;
  return v2 + d * (p2 + d * (p3 + d * p4));
}

/** Fractions of a pixel and of a weight that OpenCV's fixed-point interpolation keeps. */
const STEPS = 32;
const COORDINATE = 1024;
const WEIGHT = 2 ** 15;

/**
 * OpenCV 4's `warpAffine` (bilinear, a constant border), whose coordinates are rounded to 1/32 of a
 * pixel. `matrix` says where output pixels are taken from, the inverse of what OpenCV is given.
 */
export function transformBilinear(image: RgbImage, matrix: Affine, fill: Fill): RgbImage {
  const { width, height, data } = image;
  const [a, b, c, d, e, f] = matrix;
  const out = new Uint8Array(data.length);
  const fixed = (value: number): number => roundHalfToEven(value * COORDINATE);
  const half = COORDINATE / STEPS / 2;
  const value = (x: number, y: number, channel: number): number =>
    x >= 0 && x < width && y >= 0 && y < height
      ? data[3 * (y * width + x) + channel]!
      : fill[channel]!;
  for (let y = 0; y < height; y++) {
    const xRow = fixed(b * y + c) + half;
    const yRow = fixed(e * y + f) + half;
    for (let x = 0; x < width; x++) {
      const xIn = (xRow + fixed(a * x)) >> 5;
      const yIn = (yRow + fixed(d * x)) >> 5;
      const [left, top] = [xIn >> 5, yIn >> 5];
      const [u, v] = [(xIn & 31) / STEPS, (yIn & 31) / STEPS];
      for (let channel = 0; channel < 3; channel++) {
        const sum =
          WEIGHT * (1 - u) * (1 - v) * value(left, top, channel) +
          WEIGHT * u * (1 - v) * value(left + 1, top, channel) +
          WEIGHT * (1 - u) * v * value(left, top + 1, channel) +
          WEIGHT * u * v * value(left + 1, top + 1, channel);
        out[3 * (y * width + x) + channel] = (sum + WEIGHT / 2) / WEIGHT;
      }
    }
  }
  return { width, height, data: out };
}

/** A turn by `degrees` anticlockwise about the middle, in Pillow's (`rotate`) way. */
export function rotation(image: RgbImage, degrees: number): Affine {
  const angle = (-(((degrees % 360) + 360) % 360) * Math.PI) / 180;
  const round = (value: number): number => Math.round(value * 1e15) / 1e15;
  const [cos, sin] = [round(Math.cos(angle)), round(Math.sin(angle))];
  const [x, y] = [image.width / 2, image.height / 2];
  return [cos, sin, x - cos * x - sin * y, -sin, cos, y + sin * x - cos * y];
}

function within(at: number, size: number): number {
  return at < 0 ? 0 : at >= size ? size - 1 : at;
}

function roundHalfToEven(value: number): number {
  const rounded = Math.round(value);
  return Math.abs(value % 1) === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

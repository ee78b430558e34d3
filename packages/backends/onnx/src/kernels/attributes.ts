import { BackendError } from '@imglish/core';
import type { Attribute, Attributes } from '../graph/graph.js';
import { type Size, showSize } from '../graph/size.js';

/** A number that does not depend on free sizes. */
export function numberOf(attributes: Attributes, name: string, otherwise?: number): number {
  const value = attributes[name] ?? otherwise;
  if (typeof value !== 'number') throw unexpected(name, 'a number that is known', value);
  return value;
}

export function booleanOf(attributes: Attributes, name: string): boolean {
  const value = attributes[name] ?? false;
  if (typeof value !== 'boolean') throw unexpected(name, 'true or false', value);
  return value;
}

export function textOf(attributes: Attributes, name: string): string {
  const value = attributes[name];
  if (typeof value !== 'string') throw unexpected(name, 'a text', value);
  return value;
}

/** A whole number that may depend on free sizes. */
export function sizeOf(attributes: Attributes, name: string): Size {
  return asSize(name, attributes[name]);
}

/** A list of whole numbers that may depend on free sizes; a single one is a list of one. */
export function sizesOf(attributes: Attributes, name: string): Size[] {
  const value = attributes[name];
  if (!Array.isArray(value)) return [asSize(name, value)];
  return value.map((item: Attribute) => asSize(name, item));
}

/** A list of known numbers; a single one is a list of one. */
export function numbersOf(attributes: Attributes, name: string): number[] {
  return sizesOf(attributes, name).map((size) => {
    if (typeof size !== 'number') throw unexpected(name, 'numbers that are known', size);
    return size;
  });
}

/** Pairs of whole numbers: what is put before and after each axis. */
export function pairsOf(attributes: Attributes, name: string): [Size, Size][] {
  const value = attributes[name];
  if (!Array.isArray(value)) throw unexpected(name, 'a list of pairs', value);
  return value.map((pair: Attribute) => {
    if (!Array.isArray(pair) || pair.length !== 2) throw unexpected(name, 'pairs', pair);
    return [asSize(name, pair[0]), asSize(name, pair[1])];
  });
}

/** Axes from 0 on, in order; none given: all. */
export function axesOf(attributes: Attributes, name: string, rank: number): number[] {
  const value = attributes[name];
  if (value === undefined || value === null) return Array.from({ length: rank }, (_, i) => i);
  return numbersOf(attributes, name)
    .map((axis) => axisFrom(axis, rank))
    .sort((a, b) => a - b);
}

/** An axis from 0 on. */
export function axisOf(attributes: Attributes, name: string, rank: number, otherwise = 0): number {
  return axisFrom(numberOf(attributes, name, otherwise), rank);
}

function axisFrom(axis: number, rank: number): number {
  return axis < 0 ? axis + rank : axis;
}

function asSize(name: string, value: Attribute): Size {
  if (typeof value === 'number') return value;
  if (typeof value === 'object' && value !== null && 'terms' in value) return value;
  throw unexpected(name, 'a whole number', value);
}

function unexpected(name: string, expected: string, value: Attribute): BackendError {
  const shown =
    typeof value === 'object' && value !== null && 'terms' in value
      ? showSize(value)
      : JSON.stringify(value);
  return new BackendError({
    code: 'backend/not-traceable',
    where: 'lower',
    expected: `${expected} as the attribute ${name}`,
    got: String(shown),
    fix: 'Let the shape of the tensors decide it, not a free size.',
  });
}

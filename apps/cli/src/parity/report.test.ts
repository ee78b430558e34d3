import { describe, expect, it } from 'vitest';
import { createReport } from './report.js';

const values = (...list: number[]) => ({ shape: [list.length], values: list });

describe('createReport', () => {
  it('allows an output 1e-5 of its largest value, and of 1 where all are smaller', () => {
    const report = createReport();
    report.output('file', 'small', values(0.5, 1.5e-5), values(0.5, 0));
    report.output('file', 'large', values(8, 1.5e-5), values(8, 0));
    report.output('file', 'too far', values(8, 9e-5), values(8, 0));
    expect(report.checks.map(({ passed }) => passed)).toEqual([false, true, false]);
  });

  it('passes nothing that is not finite, nor another shape', () => {
    const report = createReport();
    report.output('file', 'reference', values(NaN, 1), values(NaN, 1));
    report.output('file', 'infinite', values(Infinity), values(Infinity));
    report.output('file', 'ours', values(NaN), values(1));
    report.output('file', 'shape', values(1, 1), values(1));
    report.loss('file', 'missing', 1, undefined as unknown as number);
    expect(report.checks.filter(({ passed }) => passed)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { progress, type TerminalOptions } from './terminal.js';

/** Runs 30 steps of 1 s each; what was written. */
function written(options: TerminalOptions & { isTTY?: boolean; columns?: number }): string {
  const parts: string[] = [];
  let time = 0;
  const { isTTY = false, columns = 80, ...rest } = options;
  const stream = { write: (part: string) => void parts.push(part), isTTY, columns };
  const bar = progress('rendering emoji', 30, { ...rest, stream, now: () => time });
  for (let step = 1; step <= 30; step++) {
    time += 1000;
    bar.set(step, { caption: 1 / step });
  }
  bar.finish();
  return parts.join('');
}

describe('progress on a terminal', () => {
  it('changes one line', () => {
    const text = written({ isTTY: true, columns: 40 });
    const lines = text.split('\r\x1b[2K');
    expect(lines).toHaveLength(31);
    expect(lines[1]).toBe('rendering emoji 1/30 (3 %)  1.0/s  29 s');
    expect(text.endsWith('\n')).toBe(true);
    expect(text.match(/\n/g)).toHaveLength(1);
  });

  it('writes a line now and then elsewhere, and the last', () => {
    expect(written({}).split('\n')).toEqual([
      'rendering emoji 1/30 (3 %)  1.0/s  29 s left  caption 1.0000',
      'rendering emoji 6/30 (20 %)  1.0/s  24 s left  caption 0.1667',
      'rendering emoji 11/30 (36 %)  1.0/s  19 s left  caption 0.0909',
      'rendering emoji 16/30 (53 %)  1.0/s  14 s left  caption 0.0625',
      'rendering emoji 21/30 (70 %)  1.0/s  9 s left  caption 0.0476',
      'rendering emoji 26/30 (86 %)  1.0/s  4 s left  caption 0.0385',
      'rendering emoji 30/30 (100 %)  1.0/s  caption 0.0333',
      '',
    ]);
  });

  it('writes JSON lines for programs, on a terminal too', () => {
    const lines = written({ json: true, isTTY: true, everySeconds: 10 }).trimEnd().split('\n');
    expect(lines.map((line) => JSON.parse(line).step)).toEqual([1, 11, 21, 30]);
    expect(JSON.parse(lines[0]!)).toEqual({
      label: 'rendering emoji',
      step: 1,
      total: 30,
      rate: 1,
      secondsLeft: 29,
      losses: { caption: 1 },
    });
  });

  it('says long times in hours and minutes, and slow work in seconds each', () => {
    const parts: string[] = [];
    let time = 0;
    const stream = { write: (part: string) => void parts.push(part) };
    const bar = progress('work', 1000, { stream, now: () => time });
    time += 10_000;
    bar.advance();
    bar.finish();
    expect(parts.join('')).toBe('work 1/1000 (0 %)  10.0 s each  2 h 46 min left\n');
  });

  it('shows how much is done where nobody knows of how much', () => {
    const parts: string[] = [];
    const shown = progress('reading', 0, { stream: { write: (part) => parts.push(part) } });
    shown.advance(7);
    shown.finish();
    expect(parts.join('')).toMatch(/^reading 7\n/);
  });
});

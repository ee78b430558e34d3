import { describe, expect, it } from 'vitest';
import { casesOf, race, type Side } from './race.js';

const OPTIONS = { rounds: 3, turnSeconds: 0.01 };

/** A side whose run takes as long as it says; what it was asked for is kept. */
function pretend(name: string, seconds: (turn: number) => number): Side & { asked: number[] } {
  const asked: number[] = [];
  return {
    name,
    settings: '',
    asked,
    run: async (runs) => {
      asked.push(runs);
      return Array.from({ length: runs }, () => seconds(asked.length));
    },
  };
}

describe('race', () => {
  it('takes the median of the rounds and of their ratios', async () => {
    const ours = pretend('ours', () => 0.01);
    // Compiles in turn 1, warms up in turn 2; the rounds are turns 3 to 5.
    const peer = pretend('peer', (turn) => [0, 9, 0.01, 0.02, 0.09, 0.03][turn]!);
    const { standings } = await race(ours, [peer], OPTIONS);
    expect(standings.map(({ side }) => side)).toEqual(['ours', 'peer']);
    expect(standings[0]).toMatchObject({ seconds: 0.01, faster: 1 });
    expect(standings[1]).toMatchObject({ seconds: 0.03, rounds: [0.02, 0.09, 0.03] });
    expect(standings[1]!.faster).toBeCloseTo(3, 10);
  });

  it('fills a turn with runs', async () => {
    const ours = pretend('ours', () => 0.002);
    await race(ours, [], OPTIONS);
    expect(ours.asked).toEqual([1, 1, 1, 1, 1, 1, 5, 5, 5]);
  });

  it('takes the only warm run of a very slow peer', async () => {
    const peer = pretend('slow', (turn) => [0, 7, 5][turn]!);
    const { standings } = await race(
      pretend('ours', () => 0.01),
      [peer],
      OPTIONS,
    );
    expect(peer.asked).toEqual([1, 1]);
    expect(standings[1]).toMatchObject({ rounds: [5], faster: 500 });
  });

  it('leaves out a peer that fails, but not ours', async () => {
    const broken: Side = {
      name: 'broken',
      settings: '',
      run: async () => {
        throw new Error('no compiler');
      },
    };
    const ours = pretend('ours', () => 0.01);
    const { standings, absences } = await race(ours, [broken], OPTIONS);
    expect(standings.length).toBe(1);
    expect(absences).toEqual([{ side: 'broken', reason: 'no compiler' }]);
    await expect(race(broken, [ours], OPTIONS)).rejects.toThrow('no compiler');
  });
});

it('runs the case that is asked for', () => {
  const cases = [{ name: 'one' }, { name: 'two' }];
  expect(casesOf(cases, OPTIONS)).toEqual(cases);
  expect(casesOf(cases, { ...OPTIONS, only: 'two' })).toEqual([{ name: 'two' }]);
  expect(() => casesOf(cases, { ...OPTIONS, only: 'three' })).toThrow('one, two');
});

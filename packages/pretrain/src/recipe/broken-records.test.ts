import { DataError } from '@imglish/core';
import { type Communicator, soloCommunicator } from '@imglish/train';
import { threadCommunicator, threadGroup } from '@imglish/train/node';
import { describe, expect, it } from 'vitest';
import { type BrokenRecord, brokenRecords } from './broken-records.js';

const perStep = { text: 2, image: 4, pair: 4 };

const sample = (number: number, index: number) => ({
  ...{ stream: 'image' as const, number, index },
  error: new DataError({
    ...{ code: 'data/bad-record', where: `record ${index}`, expected: 'one', got: 'none' },
  }),
});

function records(communicator: Communicator, most = 9, known: readonly BrokenRecord[] = []) {
  const told: [number, string][] = [];
  const broken = brokenRecords({
    ...{ communicator, perStep, most, known },
    onBroken: (all) =>
      void told.push(...all.map(({ step, where }) => [step, where] as [number, string])),
  });
  return { ...broken, told };
}

describe('brokenRecords', () => {
  it('tells of a record at the step that meets it, once, and not before', async () => {
    const { note, report, told } = records(soloCommunicator());
    note(sample(5, 7)); // Of the second step, whose batch is there before the first step is done.
    note(sample(1, 3));
    await report(1);
    expect(told).toEqual([[1, 'record 3']]);
    note(sample(6, 3));
    await report(2);
    expect(told).toEqual([
      [1, 'record 3'],
      [2, 'record 7'],
    ]);
  });

  it('goes on counting after an interruption, without the steps that are done again', async () => {
    const whole = records(soloCommunicator(), 2);
    const all: BrokenRecord[] = [
      { step: 1, stream: 'image', index: 3, where: 'record 3', message: '' },
      { step: 3, stream: 'image', index: 8, where: 'record 8', message: '' },
    ];
    const { note, report, told } = records(soloCommunicator(), 2, all);
    note(sample(4, 3)); // Known from step 1.
    note(sample(8, 8)); // Told of at step 3, which was not saved.
    note(sample(12, 9));
    await report(2);
    await report(3);
    expect(told).toEqual([[3, 'record 8']]);
    await expect(report(4)).rejects.toMatchObject({ code: 'data/too-many-broken' });
    for (const [number, index] of [
      [0, 3],
      [8, 8],
    ] as const) {
      whole.note(sample(number, index));
    }
    for (const step of [1, 2, 3]) await whole.report(step);
    expect(whole.told).toEqual([
      [1, 'record 3'],
      [3, 'record 8'],
    ]);
  });

  it('is the same on all ranks, which tell of what any of them met', async () => {
    const group = threadGroup(2);
    const ranks = [0, 1].map((rank) => records(threadCommunicator(group, rank), 2));
    ranks[0]!.note(sample(0, 5));
    ranks[1]!.note(sample(2, 6));
    ranks[1]!.note(sample(3, 5));
    await Promise.all(ranks.map(({ report }) => report(1)));
    for (const { told } of ranks) {
      expect(told).toEqual([
        [1, 'record 5'],
        [1, 'record 6'],
      ]);
    }
    ranks[1]!.note(sample(4, 7));
    const outcomes = await Promise.allSettled(ranks.map(({ report }) => report(2)));
    expect(outcomes.map((outcome) => outcome.status)).toEqual(['rejected', 'rejected']);
  });
});

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { StepMetrics } from '../../loop/contracts.js';
import { event } from './event.js';
import { crc32c, record } from './record.js';
import { tensorBoard } from './tensorboard.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'imglish-tensorboard-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex');

const metrics = (step: number): StepMetrics => ({
  step,
  losses: { text: 4 / step, image: 2 },
  counts: { text: 3, image: 5 },
  total: 2 + 4 / step,
  lr: 1e-3,
  gradientNorm: 0.75,
  samples: 8,
  timing: { seconds: step, samplesPerSecond: 16 },
});

/** Steps that two processes wrote, the second going on after step 2. */
async function twoLives(): Promise<void> {
  let time = 1_700_000_000_000;
  const clock = { now: () => (time += 500) };
  const first = tensorBoard(folder, clock);
  await first.begin!(0);
  for (const step of [1, 2, 3]) await first.step!(metrics(step));
  await first.close!();
  const second = tensorBoard(folder, clock);
  await second.begin!(2);
  for (const step of [3, 4]) await second.step!({ ...metrics(step), gradientNorm: 0.5 });
  await second.close!();
}

describe('records', () => {
  it('have the checksums of CRC-32C', () => {
    const digits = new TextEncoder().encode('123456789');
    expect(crc32c(digits)).toBe(0xe3069283);
    // RFC 3720, B.4.
    expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
    expect(crc32c(new Uint8Array(32).fill(255))).toBe(0x62a8ab43);
  });

  it('frame bytes', () => {
    const framed = record(event(1_700_000_000, 0, { fileVersion: 'brain.Event:2' }));
    expect(hex(framed)).toBe(
      '1a00000000000000129bd82d' + // length, checksum
        '0900000040fc54d9411000' + // wall time, step
        '1a0d627261696e2e4576656e743a32' + // version
        'e6773e1a', // checksum
    );
  });

  it('hold events as protocol buffers', () => {
    const scalars = event(0.5, 300, { scalars: { 'loss/a': 1.5, b: -2 } });
    expect(hex(scalars)).toBe(
      '09000000000000e03f' + // 1: 0.5
        '10ac02' + // 2: 300
        '2a19' + // 5: summary of 25 bytes
        '0a0d0a066c6f73732f61150000c03f' + // 1: value {1: 'loss/a', 2: 1.5}
        '0a080a016215000000c0', // 1: value {1: 'b', 2: -2}
    );
    expect(hex(event(0, 2 ** 40 + 1, { sessionStart: true }))).toBe(
      '090000000000000000108180808080203a020801',
    );
  });
});

it('writes a file of each process', async () => {
  await twoLives();
  const names = readdirSync(folder).sort();
  expect(names).toHaveLength(2);
  for (const name of names) expect(name).toMatch(/^events\.out\.tfevents\.17000000\d\d\./);
  const [first, second] = names.map((name) => readFileSync(join(folder, name)).toString('latin1'));
  expect(first!.split('loss/text')).toHaveLength(4);
  expect(second!.split('loss/text')).toHaveLength(3);
  // Step 3 of the first process does not count any more.
  expect(first).not.toContain('\x10\x03\x3a\x02\x08\x01');
  expect(second).toContain('\x10\x03\x3a\x02\x08\x01');
});

const python = process.env.IMGLISH_PYTHON ?? 'python3';
const hasTensorBoard = () =>
  spawnSync(python, ['-c', 'import tensorboard'], { stdio: 'ignore' }).status === 0;

const READ = `
import json, sys
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
events = EventAccumulator(sys.argv[1])
events.Reload()
print(json.dumps({tag: [[e.step, e.value, e.wall_time] for e in events.Scalars(tag)]
                  for tag in events.Tags()['scalars']}))
`;

it.skipIf(!hasTensorBoard())('is read by TensorBoard (Python)', { timeout: 120_000 }, async () => {
  await twoLives();
  const { stdout, stderr } = spawnSync(python, ['-c', READ, folder], { encoding: 'utf8' });
  const read = JSON.parse(stdout || JSON.stringify({ failed: stderr }));
  expect(Object.keys(read).sort()).toEqual([
    'loss/image',
    'loss/text',
    'loss/total',
    'optimizer/gradient norm',
    'optimizer/learning rate',
    'speed/samples per second',
  ]);
  const points = (tag: string) => read[tag].map(([step, value]: number[]) => [step, value]);
  expect(points('loss/text')).toEqual([
    [1, 4],
    [2, 2],
    [3, Math.fround(4 / 3)],
    [4, 1],
  ]);
  expect(points('optimizer/gradient norm')).toEqual([
    [1, 0.75],
    [2, 0.75],
    [3, 0.5],
    [4, 0.5],
  ]);
  expect(read['loss/total'][0][2]).toBeCloseTo(1_700_000_001.5, 3);
});

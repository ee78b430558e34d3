import { describe, expect, it } from 'vitest';
import { runCli } from '../../test/run-cli.js';

describe('doctor', () => {
  it('reports in JSON what works here, and how fast', async () => {
    const { code, out, err } = await runCli('doctor', '--json');
    expect({ code, err }).toEqual({ code: 0, err: '' });
    const report = JSON.parse(out);
    expect(report).toEqual({
      node: { version: process.versions.node, supported: true },
      tfjs: '4.22.0',
      platform: `${process.platform}-${process.arch}`,
      backends: [
        { name: 'wasm', available: true, gflops: expect.any(Number) },
        { name: 'cpu', available: true, gflops: expect.any(Number) },
      ],
      auto: 'wasm',
      optional: [{ name: 'sharp', found: true, use: expect.any(String) }],
    });
    for (const { gflops } of report.backends) expect(gflops).toBeGreaterThan(0);
  });

  it('says so in words', async () => {
    const { code, out } = await runCli('doctor');
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toContain(`Node ${process.versions.node}`);
    expect(lines).toContain('tfjs-core 4.22.0, one copy');
    expect(lines).toContain('auto takes wasm');
    for (const backend of ['wasm', 'cpu']) {
      expect(out).toMatch(new RegExp(`^backend ${backend}: [\\d.]+ GFLOP/s `, 'm'));
    }
  });
});

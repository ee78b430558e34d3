import { hasMpirun } from '@imglish/testing/node';
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
        {
          name: 'onnx',
          available: true,
          gflops: expect.any(Number),
          engine: expect.stringMatching(/^onnxruntime-node [\d.]+, cpu, \d+ threads?, /),
          devices: expect.arrayContaining([{ name: 'cpu', bundled: true }]),
        },
        { name: 'wasm', available: true, gflops: expect.any(Number) },
        { name: 'cpu', available: true, gflops: expect.any(Number) },
      ],
      auto: 'onnx',
      optional: [
        { name: 'sharp', found: true, use: expect.any(String) },
        { name: 'Open MPI', found: hasMpirun(), use: expect.any(String) },
      ],
    });
    for (const { gflops } of report.backends) expect(gflops).toBeGreaterThan(0);
  });

  it('says so in words', async () => {
    const { code, out } = await runCli('doctor');
    expect(code).toBe(0);
    const lines = out.trimEnd().split('\n');
    expect(lines).toContain(`Node ${process.versions.node}`);
    expect(lines).toContain('tfjs-core 4.22.0, one copy');
    expect(lines).toContain('auto takes onnx');
    expect(out).toMatch(/^ {2}onnxruntime-node .* devices: cpu/m);
    for (const backend of ['onnx', 'wasm', 'cpu']) {
      expect(out).toMatch(new RegExp(`^backend ${backend}: [\\d.]+ GFLOP/s `, 'm'));
    }
  });
});

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { free, GraphMaker } from '../../test/graphs.js';
import { withModel } from '../../test/one-node.js';
import { lower } from '../lower/lower.js';

/** How many nodes of the operator ONNX Runtime keeps of erf(x) and erf(after(x, token)). */
async function kept(operator: string, ordered: boolean): Promise<number> {
  const make = new GraphMaker();
  const x = make.input('x', [free('n'), 3]);
  const token = make.input('token', [2]);
  const [later] = ordered ? make.node('ImglishAfter', { x, token }) : [x];
  const [first] = make.node('Erf', { x });
  const [again] = make.node('Erf', { x: later! });
  // Outputs themselves are never merged.
  const [a, b] = [make.node('Neg', { x: first! }), make.node('Abs', { x: again! })];
  const folder = mkdtempSync(join(tmpdir(), 'imglish-after-'));
  try {
    const optimizedModelFilePath = join(folder, 'optimized.onnx');
    const model = lower(make.graph({ a: a[0]!, b: b[0]! }), {});
    await withModel(model, async () => {}, { optimizedModelFilePath });
    // Field 4 of a node is its operator.
    const field = Buffer.concat([Buffer.of(0x22, operator.length), Buffer.from(operator)]);
    return (
      readFileSync(optimizedModelFilePath).toString('latin1').split(field.toString('latin1'))
        .length - 1
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('ImglishAfter', () => {
  it('keeps what is computed again from being merged with what was computed before', async () => {
    expect(await kept('Erf', false)).toBe(1);
    expect(await kept('Erf', true)).toBe(2);
  });
});

import { describe, expect, it } from 'vitest';
import { stopOnSignals } from './stop-signal.js';

describe('stopOnSignals', () => {
  it.each(['SIGTERM', 'SIGINT'] as const)('aborts at the first %s and then steps aside', (name) => {
    const before = process.listenerCount(name);
    const { signal } = stopOnSignals();
    expect(process.listenerCount(name)).toBe(before + 1);
    process.emit(name, name);
    expect(signal.aborted).toBe(true);
    expect(signal.reason).toBe(name);
    expect(process.listenerCount(name)).toBe(before);
  });

  it('goes away when told', () => {
    const before = process.listenerCount('SIGTERM');
    const { signal, dispose } = stopOnSignals();
    dispose();
    expect(process.listenerCount('SIGTERM')).toBe(before);
    expect(signal.aborted).toBe(false);
  });
});

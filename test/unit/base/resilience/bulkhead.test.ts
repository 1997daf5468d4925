import { describe, expect, it } from 'vitest';
import { CodedError } from '../../../../src/base/errors.ts';
import { Bulkhead } from '../../../../src/base/resilience/bulkhead.ts';

const LIMITS = { concurrencyMax: 1, queueMax: 10, queueBytesMax: 1_000 };

describe('a bulkhead', () => {
  it('weighs what waits once, also where it is given up as its turn begins', async () => {
    const bulkhead = new Bulkhead('it', LIMITS);
    await bulkhead.enter({ bytes: 1 });
    const ends = new AbortController();
    const entered = bulkhead.enter({ bytes: 100, signal: ends.signal });
    expect(bulkhead.queueBytes).toBe(100);
    bulkhead.leave();
    ends.abort();
    await entered;
    expect(bulkhead).toMatchObject({ running: 1, queueLength: 0, queueBytes: 0 });
    bulkhead.leave();
    expect(bulkhead.running).toBe(0);
  });

  it('weighs what it has refused no more, also where that is given up in the same moment', async () => {
    const bulkhead = new Bulkhead('it', LIMITS);
    await bulkhead.enter({ bytes: 1 });
    const ends = new AbortController();
    const refused = bulkhead.enter({ bytes: 100, signal: ends.signal });
    const waits = bulkhead.enter({ bytes: 20, isUrgent: true });
    bulkhead.refuseWaiting(new CodedError('SHUTTING_DOWN', 'it is closing'));
    ends.abort();
    await expect(refused).rejects.toThrow('it is closing');
    await expect(waits).rejects.toThrow('it is closing');
    expect(bulkhead).toMatchObject({ running: 1, queueLength: 0, queueBytes: 0 });
  });
});

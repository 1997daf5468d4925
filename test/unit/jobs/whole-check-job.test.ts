import { describe, expect, it } from 'vitest';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { toSettings } from '../../../src/config/settings.ts';
import type { Memory } from '../../../src/hirag/types.ts';
import { startJobs } from '../../../src/start-jobs.ts';
import type { SnapshotKeeper } from '../../../src/store/snapshot/snapshot-keeper.ts';
import { FakeClock } from '../../support/fake-clock.ts';

/** Runs of the check of a server that starts, by whether its start has left anything out. */
async function runs(
  isDue: boolean,
  settings: Parameters<typeof toSettings>[0] = {},
): Promise<{ atStart: number; names: readonly string[] }> {
  let atStart = 0;
  const run = (signal: AbortSignal): Promise<void> => {
    atStart++;
    return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));
  };
  const memory = { resumeErasures: () => Promise.resolve() } as unknown as Memory;
  const parts = { memory, snapshots: {} as SnapshotKeeper, erasable: {} as never, wholeCheck: { isDue, run } };
  const stops: (() => unknown)[] = [];
  const deps = { clock: new FakeClock(), log: silentLog, metrics: noMetrics };
  const { registry } = startJobs(toSettings(settings), parts, deps, (task) => stops.push(task));
  // It ends with the server.
  for (const stop of stops) await stop();
  return { atStart, names: registry.names };
}

describe('the check of the whole database', () => {
  it('runs at the start where the start has not looked at all of it, and ends with the server', async () => {
    expect(await runs(true)).toMatchObject({ atStart: 1, names: expect.arrayContaining(['whole_check']) as string[] });
    expect((await runs(false)).atStart).toBe(0);
  });

  it('is switched off by its schedule', async () => {
    const { atStart, names } = await runs(true, { vector_db: { check_schedule: 'never' } });
    expect(atStart).toBe(0);
    expect(names).not.toContain('whole_check');
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { RequestMonitor, type Poll, type Polled } from '../../../src/api/request-monitor.ts';
import { FakeClock } from '../../support/fake-clock.ts';

let clock: FakeClock;
let monitor: RequestMonitor;
beforeEach(() => {
  clock = new FakeClock();
  monitor = new RequestMonitor(clock);
});

function answered(count: number): void {
  for (let i = 0; i < count; i++) {
    if (!monitor.count()) continue;
    const about = { at: 0, type: 'ping', outcome: 'ok', duration_ms: 1, door: 'socket', namespaces: [], summary: '' };
    monitor.note(about);
  }
}

function poll(more: Partial<Poll> = {}): Polled {
  return monitor.poll({ cursor: undefined, waitMs: 0, limit: 100, signal: undefined, ...more }) as Polled;
}

async function waiting(more: Partial<Poll> = {}): Promise<Polled> {
  return monitor.poll({ cursor: undefined, waitMs: 5_000, limit: 100, signal: undefined, ...more });
}

describe('a monitor', () => {
  it('keeps nothing while nobody watches, and nothing any more ten seconds after the last poll', () => {
    answered(3);
    const { cursor } = poll();
    expect(cursor).toBe(3);
    clock.advance(9_999);
    answered(2);
    expect(poll({ cursor })).toMatchObject({ requests: { length: 2 }, cursor: 5, lost: 0 });
    clock.advance(10_000);
    expect(monitor.count()).toBe(false);
    expect(poll({ cursor: 3 })).toEqual({ requests: [], cursor: 6, lost: 3 });
  });

  it('goes on keeping while somebody waits, however long that is', async () => {
    const polled = waiting({ waitMs: 30_000 });
    clock.advance(29_000);
    answered(1);
    clock.advance(50);
    expect(await polled).toMatchObject({ requests: { length: 1 }, lost: 0 });
    expect(clock.pendingTimers).toBe(0);
  });

  it('tells those that come together at once', async () => {
    const polled = waiting();
    answered(1);
    clock.advance(49);
    answered(4);
    clock.advance(1);
    expect((await polled).requests).toHaveLength(5);
  });

  it('gives several pages in order, and starts anew with a cursor that it never gave', () => {
    const { cursor } = poll();
    answered(5);
    const page = poll({ cursor, limit: 3 });
    expect(page).toMatchObject({ requests: { length: 3 }, cursor: 3, lost: 0 });
    expect(poll({ cursor: page.cursor, limit: 3 })).toMatchObject({ requests: { length: 2 }, cursor: 5, lost: 0 });
    expect(poll({ cursor: 1_000 })).toEqual({ requests: [], cursor: 5, lost: 0 });
  });

  it('ends a wait with the time, with its client, and with the server', async () => {
    const abort = new AbortController();
    const [timed, gone, last] = [waiting({ waitMs: 1_000 }), waiting({ signal: abort.signal }), waiting()];
    clock.advance(1_000);
    expect(await timed).toMatchObject({ requests: [] });
    abort.abort();
    expect(await gone).toMatchObject({ requests: [] });
    monitor.close();
    expect(await last).toMatchObject({ requests: [] });
    expect(await waiting()).toMatchObject({ requests: [] });
    expect(clock.pendingTimers).toBe(0);
  });

  it('lets so many wait, and refuses one more', async () => {
    const waits = Array.from({ length: 16 }, () => waiting());
    await expect(waiting()).rejects.toMatchObject({ code: 'OVERLOADED' });
    clock.advance(5_000);
    await Promise.all(waits);
    const next = waiting();
    clock.advance(5_000);
    expect(await next).toMatchObject({ lost: 0 });
  });
});

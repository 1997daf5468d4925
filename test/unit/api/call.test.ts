import { describe, expect, it } from 'vitest';
import { Call } from '../../../src/api/call.ts';
import { createOperations } from '../../../src/api/operations.ts';
import { Principal } from '../../../src/api/principal.ts';
import { FakeClock } from '../../support/fake-clock.ts';

const operations = createOperations();
const principal = new Principal('k', { scopes: ['read'], namespaces: ['a', 'b'] }, null);

function callOf(clock: FakeClock, deadlineAtMs: number | null, type = 'stats'): Call {
  const origin = { door: 'socket', connection: 9, request: 1 } as const;
  const request = { type, payload: {}, principal, sender: 'agent', origin, deadlineAtMs };
  return new Call(operations.get(type)!, request, 0, clock);
}

describe('options of a call', () => {
  it('are empty for a write without a deadline: it is seen through', () => {
    const call = callOf(new FakeClock(), null, 'context.store');
    expect(call.options).toEqual({});
    expect(call.sender).toBe('agent');
  });

  it('end a read when its client goes, with or without a deadline', () => {
    const clock = new FakeClock();
    for (const deadlineAtMs of [null, 60_000]) {
      const call = callOf(clock, deadlineAtMs, 'context.query');
      const { signal } = call.options;
      expect(signal!.aborted).toBe(false);
      call.abandon();
      expect(signal!.aborted).toBe(true);
    }
    expect(clock.pendingTimers).toBe(0);
  });

  it('name the namespaces that the key sees', () => {
    expect(callOf(new FakeClock(), null).namespaces.entries).toEqual(['a', 'b']);
  });

  it('start a timer only when somebody asks for the signal', () => {
    const clock = new FakeClock();
    const call = callOf(clock, 100);
    const { options } = call;
    expect(clock.pendingTimers).toBe(0);
    const { signal } = options;
    expect(options.signal).toBe(signal);
    expect(clock.pendingTimers).toBe(1);
    // A twentieth of it is kept for the way of the reply.
    clock.advance(94);
    expect(signal!.aborted).toBe(false);
    clock.advance(1);
    expect(signal!.reason).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
  });

  it('leave no timer behind once the call is settled', () => {
    const clock = new FakeClock();
    const call = callOf(clock, 100);
    const { signal } = call;
    call.settle();
    clock.advance(1_000);
    expect(clock.pendingTimers).toBe(0);
    expect(signal.aborted).toBe(false);
  });

  it('abort at once where the deadline has passed, or the client is gone', () => {
    const clock = new FakeClock();
    const late = callOf(clock, 100);
    clock.advance(100);
    expect(late.signal.aborted).toBe(true);
    const before = callOf(clock, 1_000);
    before.abandon();
    expect(before.signal.aborted).toBe(true);
    const after = callOf(clock, 1_000);
    const { signal } = after;
    after.abandon();
    expect(signal.aborted).toBe(true);
    expect(clock.pendingTimers).toBe(0);
  });

  it('take deadlines that no timer can hold', () => {
    const clock = new FakeClock();
    const call = callOf(clock, Number.MAX_SAFE_INTEGER);
    expect(call.signal.aborted).toBe(false);
    expect(clock.pendingTimers).toBe(1);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import { Gate, type GateRequest } from '../../../src/api/gate.ts';
import type { KeyConfig } from '../../../src/api/key-ring.ts';
import { gateLimits } from '../../../src/api/limits.ts';
import { Principal } from '../../../src/api/principal.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { createValidators } from '../../../src/protocol/messages.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { DEFAULT_LIMITS } from '../../support/settings.ts';
import { MemoryDouble } from '../../support/memory-double.ts';

const UUID = '018f0000-0000-7000-8000-000000000001';
const validators = createValidators();

let clock: FakeClock;
let memory: MemoryDouble;
let counted: string[];
let logged: object[];
let running: () => number;

beforeEach(() => {
  clock = new FakeClock();
  memory = new MemoryDouble();
  counted = [];
  logged = [];
});

function open(limits: Partial<typeof DEFAULT_LIMITS> = {}): Gate {
  const note = (fields: object): void => void logged.push(fields);
  return new Gate({
    memory,
    jobs: { expirySweep: () => memory.gc() },
    validators,
    limits: gateLimits({ ...DEFAULT_LIMITS, ...limits }),
    clock,
    log: { ...silentLog, debug: note, warn: note, error: note },
    metrics: {
      ...noMetrics,
      count: (name, labels = {}) => void counted.push([name, ...Object.values(labels)].join(' ')),
      gauge: (_name, read) => void (running = read),
    },
  });
}

function principal(rights: Partial<KeyConfig> = {}): Principal {
  const secret = 'x'.repeat(32);
  return new Principal({ id: 'k', secret, scopes: ['read', 'write', 'admin'], namespaces: ['a'], ...rights }, clock);
}

function request(type: string, payload: object, more: Partial<GateRequest> = {}): GateRequest {
  const origin = { door: 'http', request: 'r-1' } as const;
  return { type, payload: { ...payload }, principal: principal(), sender: 'someone', origin, ...more };
}

async function refusal(answer: () => unknown): Promise<unknown> {
  try {
    await answer();
    return null;
  } catch (error) {
    return error;
  }
}

describe('a call of the gate, by whatever door', () => {
  it('is answered in a promise, in the namespace and the name of its caller', async () => {
    const gate = open();
    expect(await gate.run(request('context.store', { text: 'hello', id: UUID }))).toMatchObject({ id: UUID });
    expect(memory.calls).toEqual([
      { method: 'store', input: { namespace: 'a', agentId: 'someone', text: 'hello', id: UUID } },
    ]);
    expect(counted).toEqual(['requests_total context.store ok']);
  });

  it('is answered without a promise where nobody must be waited for', async () => {
    const gate = open();
    gate.countConnections(() => 3);
    await gate.run(request('ping', {}));
    expect(gate.run(request('ping', {}))).toMatchObject({ healthy: true, active_connections: 3 });
    expect(running()).toBe(0);
  });

  it('is out with what its door makes of the reply, and not before', async () => {
    const gate = open();
    const call = gate.admit(request('stats', {}));
    const tooLong = new CodedError('PAYLOAD_TOO_LARGE', 'longer than the door can tell');
    const answer = gate.answer(call, () => {
      throw tooLong;
    });
    expect(running()).toBe(1);
    expect(await refusal(() => answer)).toBe(tooLong);
    expect(running()).toBe(0);
    expect(counted).toEqual(['requests_total stats PAYLOAD_TOO_LARGE']);
    expect(await gate.answer(gate.admit(request('stats', {})), Object.keys)).toContain('counts');
  });
});

describe('a refusal of the gate', () => {
  const cases: [string, () => GateRequest][] = [
    ['AUTH_FAILED', () => request('ping', {}, { principal: principal({ notAfterMs: clock.nowMs() }) })],
    ['UNKNOWN_TYPE', () => request('constructor', {})],
    ['FORBIDDEN', () => request('stats', {}, { principal: principal({ scopes: ['write'] }) })],
    ['BAD_REQUEST', () => request('context.get', { id: 5 })],
    ['FORBIDDEN', () => request('context.get', { id: UUID, namespace: 'b' })],
    ['BAD_REQUEST', () => request('stats', {}, { principal: principal({ namespaces: ['a', 'b'] }) })],
    ['DEADLINE_EXCEEDED', () => request('ping', {}, { deadlineAtMs: clock.monotonicMs() })],
  ];

  it.each(cases)('is %s, thrown at once, counted and logged once, and nothing is asked of the memory', (code, make) => {
    const gate = open();
    expect(() => gate.run(make())).toThrow(expect.objectContaining({ code }) as Error);
    expect(memory.calls).toEqual([]);
    expect(counted).toHaveLength(1);
    expect(logged).toEqual([expect.objectContaining({ door: 'http', request: 'r-1', code })]);
  });

  it('comes at the rate of the key, whatever the request', async () => {
    const gate = open();
    const slow = principal({ rateLimit: { perSecond: 1, burst: 1 } });
    expect(await refusal(() => gate.run(request('made.up', {}, { principal: slow })))).toMatchObject({
      code: 'UNKNOWN_TYPE',
    });
    expect(await refusal(() => gate.run(request('ping', {}, { principal: slow })))).toMatchObject({
      code: 'RATE_LIMITED',
      retryAfterMs: 1_000,
    });
  });

  it('comes past the bound of all that run, and when the server goes away', async () => {
    const gate = open({ maxInFlightTotal: 1 });
    memory.hold();
    const first = gate.run(request('stats', {}));
    expect(await refusal(() => gate.run(request('stats', {})))).toMatchObject({ code: 'OVERLOADED' });
    gate.shutDown();
    expect(await refusal(() => gate.run(request('ping', {})))).toMatchObject({ code: 'SHUTTING_DOWN' });
    memory.release();
    expect(await first).toMatchObject({ counts: { total: 0 } });
  });

  it('ends work whose deadline passes, and that nobody waits for', async () => {
    const gate = open();
    memory.hold();
    const late = gate.run(request('context.query', { query: 'x' }, { deadlineAtMs: clock.monotonicMs() + 100 }));
    const call = gate.admit(request('context.query', { query: 'x' }, { deadlineAtMs: clock.monotonicMs() + 60_000 }));
    const abandoned = gate.answer(call, (reply) => reply);
    clock.advance(100);
    call.abandon();
    expect(await refusal(() => late)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(await refusal(() => abandoned)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    expect(clock.pendingTimers).toBe(0);
  });

  it('of a defect tells nothing of it, and logs it', async () => {
    const defect = new TypeError('x of undefined');
    memory.failure = defect;
    expect(await refusal(() => open().run(request('stats', {})))).toMatchObject({
      code: 'INTERNAL',
      message: 'internal error',
    });
    expect(logged).toEqual([{ door: 'http', request: 'r-1', type: 'stats', code: 'INTERNAL', error: defect }]);
  });

  it('by a door itself is counted here, under no name that a client made up', () => {
    const gate = open();
    const origin = { door: 'http', request: null } as const;
    const away = (type: string | undefined): CodedError =>
      gate.turnedAway({ type, origin, traceparent: undefined, startedMs: 0 }, new CodedError('BAD_REQUEST', 'no JSON'));
    expect(away(undefined).code).toBe('BAD_REQUEST');
    away('ping');
    away('made up');
    expect(counted).toEqual([
      'requests_total unknown BAD_REQUEST',
      'requests_total ping BAD_REQUEST',
      'requests_total unknown BAD_REQUEST',
    ]);
  });
});

import { beforeEach, describe, expect, it } from 'vitest';
import type { Asker } from '../../../src/api/asker.ts';
import type { Call } from '../../../src/api/call.ts';
import { Gate } from '../../../src/api/gate.ts';
import type { GateRequest } from '../../../src/api/gate-request.ts';
import type { KeyConfig } from '../../../src/api/key-ring.ts';
import { gateLimits } from '../../../src/api/limits.ts';
import { Principal } from '../../../src/api/principal.ts';
import { CodedError } from '../../../src/base/errors.ts';
import { silentLog } from '../../../src/base/log.ts';
import { TokenBucket } from '../../../src/base/token-bucket.ts';
import { noMetrics } from '../../../src/base/metrics.ts';
import { Circuits } from '../../../src/base/resilience/circuits.ts';
import { createValidators } from '../../../src/protocol/messages.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { DEFAULT_LIMITS } from '../../support/settings.ts';
import { MemoryDouble } from '../../support/memory-double.ts';
import { SnapshotsDouble } from '../../support/snapshots-double.ts';

const UUID = '018f0000-0000-7000-8000-000000000001';
const validators = createValidators();

let clock: FakeClock;
let memory: MemoryDouble;
let counted: string[];
let errors: string[];
let logged: object[];
let running: () => number | undefined;

beforeEach(() => {
  clock = new FakeClock();
  memory = new MemoryDouble();
  counted = [];
  errors = [];
  logged = [];
});

function open(limits: Partial<typeof DEFAULT_LIMITS> = {}): Gate {
  const note = (fields: object): void => void logged.push(fields);
  return new Gate({
    memory,
    jobs: { expirySweep: () => memory.gc() },
    snapshots: new SnapshotsDouble(),
    circuits: new Circuits(),
    validators,
    limits: gateLimits({ ...DEFAULT_LIMITS, ...limits }),
    clock,
    log: { ...silentLog, debug: note, warn: note, error: note },
    metrics: {
      ...noMetrics,
      count: (name, labels = {}) =>
        void (name === 'errors_total' ? errors : counted).push([name, ...Object.values(labels)].join(' ')),
      gauge: (_name, read) => void (running = read),
    },
  });
}

function principal(rights: Partial<KeyConfig> = {}): Principal {
  const { rateLimit, ...own } = rights;
  const bucket = rateLimit === undefined ? null : new TokenBucket(rateLimit, clock);
  return new Principal('k', { scopes: ['read', 'write', 'admin'], namespaces: ['a'], ...own }, bucket);
}

function request(type: string, payload: object, more: Partial<GateRequest> = {}): GateRequest {
  const origin = { door: 'http', request: 'r-1' } as const;
  return { type, payload: { ...payload }, principal: principal(), sender: 'someone', origin, ...more };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A door that writes down what it is told, and cannot tell a reply where it was given an error for that. */
class RecordingAsker implements Asker {
  readonly told: string[] = [];
  call: Call | null = null;
  readonly #mute: CodedError | null;

  constructor(mute: CodedError | null = null) {
    this.#mute = mute;
  }

  started(call: Call): void {
    this.call = call;
    this.told.push('started');
  }

  reply(): void {
    if (this.#mute !== null) throw this.#mute;
    this.told.push('reply');
  }

  refuse(error: CodedError): void {
    this.told.push(error.code);
  }

  settled(): void {
    this.told.push('settled');
  }
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

  it('is told to who asks as it goes, and is out with what becomes of the reply', async () => {
    const gate = open();
    const asker = new RecordingAsker();
    gate.serve(request('stats', {}), asker);
    expect(asker.told).toEqual(['started']);
    expect(running()).toBe(1);
    await settled();
    expect(asker.told).toEqual(['started', 'reply', 'settled']);
    expect(running()).toBe(0);
    gate.serve(request('ping', {}), asker);
    await settled();
    gate.serve(request('ping', {}), asker);
    expect(asker.told.slice(3)).toEqual(['started', 'reply', 'settled', 'reply']);

    const mute = new RecordingAsker(new CodedError('PAYLOAD_TOO_LARGE', 'longer than the door can tell'));
    gate.serve(request('stats', {}), mute);
    await settled();
    gate.serve(request('ping', {}), mute);
    expect(mute.told).toEqual(['started', 'PAYLOAD_TOO_LARGE', 'settled', 'PAYLOAD_TOO_LARGE']);
    expect(counted.slice(-2)).toEqual([
      'requests_total stats PAYLOAD_TOO_LARGE',
      'requests_total ping PAYLOAD_TOO_LARGE',
    ]);
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
    expect(errors).toEqual([`errors_total ${code}`]);
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
    const asker = new RecordingAsker();
    gate.serve(request('context.query', { query: 'x' }, { deadlineAtMs: clock.monotonicMs() + 60_000 }), asker);
    clock.advance(100);
    asker.call!.abandon();
    expect(await refusal(() => late)).toMatchObject({ code: 'DEADLINE_EXCEEDED' });
    await settled();
    expect(asker.told).toEqual(['started', 'DEADLINE_EXCEEDED', 'settled']);
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

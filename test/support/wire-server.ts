import type { Snapshots } from '../../src/api/handlers/handler.ts';
import { duplexPair, type Duplex } from 'node:stream';
import { noMetrics, type Metrics } from '../../src/base/metrics.ts';
import { systemRandom, type Random } from '../../src/base/random.ts';
import { FailedLogins } from '../../src/base/failed-logins.ts';
import type { Log } from '../../src/base/log.ts';
import { Gate } from '../../src/api/gate.ts';
import { KeyRing, type KeyConfig } from '../../src/api/key-ring.ts';
import { createRequestBudget } from '../../src/api/request-budget.ts';
import { gateLimits } from '../../src/api/limits.ts';
import type { Settings } from '../../src/config/settings.ts';
import { createValidators } from '../../src/protocol/messages.ts';
import type { Memory } from '../../src/hirag/types.ts';
import { ConnectionHandler } from '../../src/fronts/socket/connection-handler.ts';
import type { ServerLimits } from '../../src/fronts/socket/limits.ts';
import { Circuits } from '../../src/base/resilience/circuits.ts';
import { FakeClock } from './fake-clock.ts';
import { DEFAULT_LIMITS } from './settings.ts';
import { MemoryDouble } from './memory-double.ts';
import { SnapshotsDouble } from './snapshots-double.ts';
import { testBreaker } from './test-breaker.ts';
import { WireClient, type Credentials } from './wire-client.ts';

export interface LogLine {
  readonly level: 'debug' | 'info' | 'warn' | 'error';
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
}

/** Key with every right; `keys` of a test may add others. */
export const ADMIN = { keyId: 'admin', secret: Buffer.from('0123456789abcdef0123456789abcdef') } satisfies Credentials;
export const ADMIN_KEY: KeyConfig = {
  id: 'admin',
  secret: ADMIN.secret,
  scopes: ['read', 'write', 'admin'],
  namespaces: ['*'],
};

/** Compiling them takes longer than most tests. */
const validators = createValidators();

export interface WireServerOptions {
  readonly keys?: readonly KeyConfig[];
  readonly limits?: Partial<ServerLimits & Settings['protocol']>;
  readonly random?: Random;
  /** Told in `hello`. */
  readonly version?: string;
  /** In place of the double; with the clock that it runs on. */
  readonly memory?: Memory;
  readonly snapshots?: Snapshots;
  readonly clock?: FakeClock;
}

/** A server without ports, on a clock that stands still: connections are pairs of streams. */
export class WireServer {
  readonly clock: FakeClock;
  /** Behind the handlers, unless a test brought a memory of its own. */
  readonly memory = new MemoryDouble();
  readonly logged: LogLine[] = [];
  /** Counters by name and labels' values, as `requests_total ping ok`. */
  readonly counted = new Map<string, number>();
  readonly gauges = new Map<string, () => number>();
  readonly handler: ConnectionHandler;
  readonly keys: KeyRing;
  /** That of the vector database alone. */
  readonly circuits = new Circuits();

  constructor(options: WireServerOptions = {}) {
    this.clock = options.clock ?? new FakeClock();
    const { random = systemRandom, memory = this.memory } = options;
    const limits = { ...DEFAULT_LIMITS, ...options.limits };
    this.keys = new KeyRing([ADMIN_KEY, ...(options.keys ?? [])], this.clock, random);
    this.circuits.add(testBreaker({}, { clock: this.clock }));
    const parts = { clock: this.clock, random, log: this.#log(), metrics: this.#metrics(), validators };
    this.handler = new ConnectionHandler({
      ...parts,
      gate: new Gate({
        ...parts,
        memory,
        jobs: { expirySweep: () => memory.gc() },
        snapshots: options.snapshots ?? new SnapshotsDouble(),
        circuits: this.circuits,
        limits: gateLimits(limits),
      }),
      budget: createRequestBudget(limits, parts.metrics),
      failedLogins: new FailedLogins({ perMinute: 5, delayMsMax: 10_000 }, parts),
      keys: this.keys,
      limits,
      version: options.version ?? '0.0.0',
    });
  }

  /** The client's end of a new connection, which has an address where one is given. */
  open(highWaterMark?: number, remoteAddress?: string): Duplex {
    const [near, far] = duplexPair(highWaterMark === undefined ? {} : { highWaterMark });
    this.handler.handle(remoteAddress === undefined ? far : Object.assign(far, { remoteAddress }));
    return near;
  }

  /** A client that has not authenticated. */
  stranger(remoteAddress?: string): WireClient {
    return new WireClient(this.open(undefined, remoteAddress), () => this.clock.nowMs());
  }

  client(credentials: Credentials = ADMIN): Promise<WireClient> {
    return WireClient.over(this.open(), credentials, () => this.clock.nowMs());
  }

  #log(): Log {
    const write = (level: LogLine['level']) => (fields: object, message: string) => {
      this.logged.push({ level, fields: fields as LogLine['fields'], message });
    };
    const log: Log = {
      debug: write('debug'),
      info: write('info'),
      warn: write('warn'),
      error: write('error'),
      child: () => log,
    };
    return log;
  }

  #metrics(): Metrics {
    return {
      ...noMetrics,
      gauge: (name, read) => void this.gauges.set(name, () => read() ?? Number.NaN),
      count: (name, labels = {}, by = 1) => {
        const key = [name, ...Object.values(labels)].join(' ');
        this.counted.set(key, (this.counted.get(key) ?? 0) + by);
      },
    };
  }
}

/** Lets everything happen that can happen without time passing. */
export async function settle(turns = 20): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
}

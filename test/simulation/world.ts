import { silentLog } from '../../src/base/log.ts';
import { noMetrics } from '../../src/base/metrics.ts';
import type { Clock } from '../../src/base/clock.ts';
import { createMemory } from '../../src/hirag/memory.ts';
import type { Memory } from '../../src/hirag/types.ts';
import { withCache } from '../../src/embedding/cache.ts';
import { createLocalProvider } from '../../src/embedding/local.ts';
import type { KeyConfig } from '../../src/api/key-ring.ts';
import type { ContextStore } from '../../src/store/store.ts';
import { connectWith } from '../../clients/typescript/src/connect-with.ts';
import type { Client } from '../../clients/typescript/src/index.ts';
import { seedAt } from '../../src/base/seeded-random.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { DEFAULTS } from '../support/settings.ts';
import { WireServer } from '../support/wire-server.ts';
import { Network } from './network.ts';
import { SimStore } from './sim-store.ts';
import { Trace } from './trace.ts';

export const DIMENSION = 64;
/** Small, so that contexts soon leave them. */
export const L1_SIZE = 6;
const L2_SIZE = 12;
const L2_TTL_SECS = 60;
const WINDOW_TOKENS = 160;
const GC_MS = 20_000;
const FLUSH_MS = 1_000;
/** Turns of the event loop after each event: what does not wait for anything is done by then. */
const TURNS = 3;
export const RATE = { perSecond: 1, burst: 10 };

/** Streams of chance, each of its own, so that one more number drawn in one place changes nothing elsewhere. */
const STREAMS = { network: -1, server: -2, store: -3, client: -100 } as const;

export interface ClientPlan {
  readonly name: string;
  readonly keyId: string;
  readonly namespace: string;
  readonly pool: number;
}

export const CLIENTS: readonly ClientPlan[] = [
  { name: 'ann', keyId: 'red', namespace: 'red', pool: 1 },
  { name: 'amy', keyId: 'red', namespace: 'red', pool: 2 },
  { name: 'bob', keyId: 'blue', namespace: 'blue', pool: 1 },
  { name: 'lee', keyId: 'slow', namespace: 'slow', pool: 1 },
];
export const NAMESPACES = ['red', 'blue', 'slow'];

const secretOf = (keyId: string): string => `${keyId}-`.repeat(16);
const KEYS: readonly KeyConfig[] = [
  { id: 'red', secret: secretOf('red'), scopes: ['read', 'write'], namespaces: ['red'] },
  { id: 'blue', secret: secretOf('blue'), scopes: ['read', 'write'], namespaces: ['blue'] },
  {
    id: 'slow',
    secret: secretOf('slow'),
    scopes: ['read', 'write'],
    namespaces: ['slow'],
    rateLimit: RATE,
  },
];

/** A clock that runs like another, and shows another time. */
export class SkewedClock implements Clock {
  offsetMs = 0;
  readonly #clock: FakeClock;

  constructor(clock: FakeClock) {
    this.#clock = clock;
  }

  nowMs(): number {
    return this.#clock.nowMs() + this.offsetMs;
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  after(delayMs: number, task: () => void): () => void {
    return this.#clock.after(delayMs, task);
  }

  every(intervalMs: number, task: () => void): () => void {
    return this.#clock.every(intervalMs, task);
  }
}

/** A client of the SDK with what is known of it. */
export class SimClient {
  readonly plan: ClientPlan;
  readonly clock: SkewedClock;
  /** Null: it has not connected yet. */
  sdk: Client | null = null;
  isConnecting = false;

  constructor(plan: ClientPlan, clock: SkewedClock) {
    this.plan = plan;
    this.clock = clock;
  }
}

/** The server of one life, from its start to its end. */
interface Life {
  readonly server: WireServer;
  readonly memory: Memory;
  readonly stopJobs: () => void;
}

export interface WorldOptions {
  readonly seed: number;
  /** With the clock of the world; closed by its owner. */
  readonly openStore: (clock: FakeClock) => ContextStore | Promise<ContextStore>;
  readonly tell?: ((line: string) => void) | undefined;
}

/** A server, clients and the network between them, on a clock of their own. */
export class World {
  readonly clock: FakeClock;
  readonly trace: Trace;
  readonly network: Network;
  readonly store: SimStore;
  readonly clients: readonly SimClient[];
  /** How often a connection ended because something on it did not verify. */
  life: Life | null = null;
  /** Monotonic; when the server started last. */
  startedMs = 0;
  readonly #seed: number;
  readonly #provider = createLocalProvider({ dimension: DIMENSION, table: null });
  #lives = 0;

  static async open(options: WorldOptions): Promise<World> {
    const clock = new FakeClock();
    return new World(options, clock, await options.openStore(clock));
  }

  private constructor({ seed, tell }: WorldOptions, clock: FakeClock, store: ContextStore) {
    this.#seed = seed;
    this.clock = clock;
    this.trace = new Trace(() => clock.monotonicMs(), tell ?? null);
    this.network = new Network(seedAt(seed, STREAMS.network), { clock, trace: this.trace });
    this.store = new SimStore(store, { clock, random: this.#stream(STREAMS.store), trace: this.trace });
    this.clients = CLIENTS.map((plan) => new SimClient(plan, new SkewedClock(clock)));
  }

  /** Errors that the server took for its own defects. */
  get defects(): readonly string[] {
    const logged = this.life?.server.logged ?? [];
    return logged
      .filter(({ level }) => level === 'error')
      .map(({ message, fields }) => `${message} ${describe(fields)}`);
  }

  startServer(): void {
    this.#lives += 1;
    const { clock, trace } = this;
    const random = this.#stream(STREAMS.server - this.#lives * 1000);
    const embedding = withCache(this.#provider, { maxEntries: 200, ttlMs: 3_600_000 }, clock, noMetrics);
    const memory = createMemory({
      store: this.store.open(),
      embedding,
      settings: { ...DEFAULTS.hirag, l1Size: L1_SIZE, l2Size: L2_SIZE, l2TtlSecs: L2_TTL_SECS },
      window: { ...DEFAULTS.window, maxTokens: WINDOW_TOKENS },
      clock,
      random,
      metrics: noMetrics,
      log: silentLog,
    });
    const server = new WireServer({ memory, clock, random, keys: KEYS });
    const failed = (error: unknown): void => trace.note(`a job failed: ${String(error)}`);
    const stops = [
      clock.every(GC_MS, () => void memory.gc().catch(failed)),
      clock.every(FLUSH_MS, () => void memory.flushAccessCounts().catch(failed)),
    ];
    this.life = { server, memory, stopJobs: () => stops.forEach((stop) => stop()) };
    this.startedMs = clock.monotonicMs();
    this.network.listener = (far) => server.handler.handle(far);
    trace.note(`server ${this.#lives} starts`);
  }

  /** As SIGKILL does: nothing is said, nothing is flushed, and what the store was to do is not done. */
  killServer(): void {
    const { life } = this;
    if (life === null) return;
    this.trace.note('the server is killed');
    this.network.listener = null;
    this.life = null;
    this.store.kill();
    life.stopJobs();
    for (const link of this.network.links) link.far.destroy();
    void life.server.handler.stop(0);
  }

  /** As SIGTERM does. */
  async stopServer(deadlineMs: number): Promise<void> {
    const { life } = this;
    if (life === null) return;
    this.trace.note('the server stops');
    this.network.listener = null;
    life.stopJobs();
    await life.server.handler.stop(deadlineMs);
    await life.memory.close();
    this.trace.note('the server has stopped');
    // A kill may have come first, and another start.
    if (this.life === life) this.life = null;
  }

  async connect(client: SimClient): Promise<void> {
    const { plan, clock } = client;
    client.isConnecting = true;
    try {
      client.sdk = await connectWith(
        {
          host: 'simulated',
          port: 1,
          keyId: plan.keyId,
          secret: secretOf(plan.keyId),
          sender: plan.name,
          pool: plan.pool,
          timeoutMs: 30_000,
          connectTimeoutMs: 5_000,
        },
        {
          openStream: () => this.network.open(plan.name),
          clock,
          random: this.#stream(STREAMS.client - CLIENTS.indexOf(plan)),
        },
      );
    } finally {
      client.isConnecting = false;
    }
  }

  /** Lets so much time pass, one event after the other, each with all that follows from it. */
  async pass(durationMs: number): Promise<void> {
    const { clock } = this;
    const endMs = clock.monotonicMs() + durationMs;
    await this.settle();
    for (;;) {
      const { nextInMs } = clock;
      const leftMs = endMs - clock.monotonicMs();
      if (nextInMs === null || nextInMs > leftMs) break;
      clock.advance(nextInMs);
      await this.settle();
    }
    clock.advance(endMs - clock.monotonicMs());
  }

  /** What happens without time passing. */
  async settle(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < TURNS; turn++) await new Promise<void>((resolve) => setImmediate(resolve));
      if (this.store.underWay.size === 0) return;
      await Promise.all(this.store.underWay);
    }
  }

  async close(): Promise<void> {
    for (const { sdk } of this.clients) void sdk?.close({ timeoutMs: 0 });
    this.killServer();
    await this.settle();
    for (const link of this.network.links) link.cut();
    await this.pass(1_000);
  }

  #stream(number: number): SeededRandom {
    return new SeededRandom(seedAt(this.#seed, number));
  }
}

function describe(fields: Readonly<Record<string, unknown>>): string {
  const { error } = fields;
  return error instanceof Error ? (error.stack ?? error.message) : JSON.stringify(fields);
}

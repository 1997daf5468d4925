import type { Clock } from '../../base/clock.ts';
import { CodedError } from '../../base/errors.ts';
import type { CircuitState } from '../../base/resilience/circuit-breaker.ts';
import type { Circuits } from '../../base/resilience/circuits.ts';
import {
  backlogOf,
  cacheOf,
  dispensable,
  encryptionOf,
  eventLoopOf,
  gatewayOf,
  jobsOf,
  ofCheck,
  threadsOf,
  upgradeOf,
  worst,
  type BacklogSize,
  type Component,
  type ComponentStatus,
  type EncryptionState,
  type JobState,
  type UpgradeState,
} from './components.ts';
import { checkLasting, checkWriting, freeBytes } from './data-folder-check.ts';
import { Ailment, Probe, type CheckResult } from './probe.ts';

export interface HealthSources {
  readonly clock: Clock;
  readonly version: string;
  readonly circuits: Circuits;
  /** Threads that die again and again; absent: there are none. */
  readonly failingThreads?: () => readonly string[];
  /** Where contexts are kept; absent: not on a disk of this machine. */
  readonly dataFolder?: string;
  /** Of what is stored; absent: not in files of this server. */
  readonly encryption?: () => EncryptionState;
  /** 99th percentile of the last seconds. */
  readonly eventLoopDelaySeconds: () => number;
}

/** What is there only when the embedder is open. */
export interface EmbeddingSources {
  /** Embeds one short text; rejects where the model cannot be reached. */
  readonly embedderAnswers: (signal: AbortSignal) => Promise<unknown>;
  /** Without it contexts are stored all the same, to be embedded later. */
  readonly isDispensable: boolean;
  /** Rejects where the cache that servers share cannot be reached; absent: there is none. */
  readonly sharedCacheAnswers?: (() => Promise<unknown>) | undefined;
}

/** What is there only when the server runs. */
export interface RunningSources {
  /** Rejects where the store does not answer, or would not keep what it is given. May hang. */
  readonly storeAnswers: () => Promise<unknown>;
  /** Vectors in memory. */
  readonly cacheEntries: () => number;
  readonly jobs: () => readonly JobState[];
  /** Rejects where the Redis cannot be reached over which servers share limits; absent: there is none. */
  readonly sharedLimitsAnswer?: (() => Promise<unknown>) | undefined;
  /** Contexts without a vector. */
  readonly backlog: () => BacklogSize;
  /** Absent: no vectors are made anew. */
  readonly upgrade?: (() => UpgradeState) | undefined;
  /** Absent: it is switched off. */
  readonly gateway?: (() => { readonly inFlight: number; readonly upstream: string }) | undefined;
}

export type Phase = 'starting' | 'running' | 'draining';

export interface HealthReport {
  /** The worst of what the server cannot do without; what it can makes it `degraded`. */
  readonly status: ComponentStatus;
  readonly phase: Phase;
  readonly version: string;
  readonly uptime_ms: number;
  readonly components: Readonly<Record<string, Component>>;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not. */
  readonly reason?: string;
}

export interface Health {
  /** `fresh`: every check is made now. */
  report(fresh?: boolean): Promise<HealthReport>;
  readiness(): Promise<Readiness>;
  embedding(sources: EmbeddingSources): void;
  running(sources: RunningSources): void;
  /** From now on not ready: the server is going away. */
  stopping(): void;
}

/** Checks may cost money, or work for others. */
const REPORT_CACHE_MS = 30_000;
/** Probes come from several places at once, every few seconds: what they must know is asked once in this time. */
const READINESS_CACHE_MS = 1_000;
const TIME_LIMIT_MS = 1_000;
/** A model may have to wake up. */
const EMBEDDER_TIME_LIMIT_MS = 2_500;
/** Below it the disk is as good as full: the log of the database alone may take more. */
const FREE_BYTES_MIN = 1024 * 1024 * 1024;

/** Starting until `running` is called. */
export function createHealth(sources: HealthSources): Health {
  return new ServerHealth(sources);
}

class ServerHealth implements Health {
  readonly #sources: HealthSources;
  readonly #startedMs: number;
  readonly #lasting: Probe | null;
  readonly #disk: Probe | null;
  #store: Probe | null = null;
  #embedder: Probe | null = null;
  #isEmbedderDispensable = false;
  #sharedCache: Probe | null = null;
  #sharedLimits: Probe | null = null;
  #running: RunningSources | null = null;
  #phase: Phase = 'starting';
  #freeBytes: number | null = null;

  constructor(sources: HealthSources) {
    const { clock, dataFolder } = sources;
    this.#sources = sources;
    this.#startedMs = clock.monotonicMs();
    this.#lasting = dataFolder === undefined ? null : this.#probe(() => checkLasting(dataFolder));
    this.#disk = dataFolder === undefined ? null : this.#probe(() => this.#checkDisk(dataFolder));
  }

  embedding({ embedderAnswers, isDispensable, sharedCacheAnswers }: EmbeddingSources): void {
    this.#embedder = this.#probe(embedderAnswers, EMBEDDER_TIME_LIMIT_MS);
    this.#isEmbedderDispensable = isDispensable;
    this.#sharedCache = sharedCacheAnswers === undefined ? null : this.#probe(sharedCacheAnswers);
  }

  running(running: RunningSources): void {
    this.#phase = 'running';
    this.#running = running;
    const { sharedLimitsAnswer } = running;
    this.#sharedLimits = sharedLimitsAnswer === undefined ? null : this.#probe(sharedLimitsAnswer);
    this.#store = this.#probe(() => running.storeAnswers().catch(inWords));
  }

  stopping(): void {
    this.#phase = 'draining';
  }

  async report(fresh = false): Promise<HealthReport> {
    const maxAgeMs = fresh ? 0 : REPORT_CACHE_MS;
    const [ofStore, ofEmbedder, ofSharedCache, ofSharedLimits, ofDisk] = await Promise.all([
      this.#store?.result(maxAgeMs) ?? NOT_OPEN,
      this.#embedder?.result(maxAgeMs) ?? NOT_OPEN,
      this.#sharedCache?.result(maxAgeMs),
      this.#sharedLimits?.result(maxAgeMs),
      this.#disk?.result(maxAgeMs) ?? WELL,
    ]);
    const { clock, version, eventLoopDelaySeconds } = this.#sources;
    const embedding = ofCheck(ofEmbedder, this.#circuit('embedding'));
    const running = this.#running;
    const summaries = this.#circuit('summary');
    const components = {
      embedding: this.#isEmbedderDispensable ? dispensable(embedding) : embedding,
      vector_database: ofCheck(ofStore, this.#circuit('vector_db')),
      cache: cacheOf(running?.cacheEntries() ?? 0, ofSharedCache, this.#circuit('embedding_cache')),
      disk: this.#diskOf(ofDisk),
      ...(this.#sources.encryption && { encryption: encryptionOf(this.#sources.encryption()) }),
      event_loop: eventLoopOf(eventLoopDelaySeconds()),
      jobs: jobsOf(running?.jobs() ?? []),
      threads: threadsOf(this.#failingThreads()),
      ...(summaries && { summaries: dispensable(ofCheck(WELL, summaries)) }),
      ...(ofSharedLimits && { rate_limit: dispensable(ofCheck(ofSharedLimits, this.#circuit('rate_limit'))) }),
      ...(running === null ? {} : { embedding_backlog: backlogOf(running.backlog()) }),
      ...(running?.upgrade && { embedding_upgrade: upgradeOf(running.upgrade()) }),
      ...(running?.gateway && { gateway: gatewayOf(running.gateway()) }),
    };
    return {
      status: worst(components),
      phase: this.#phase,
      version,
      uptime_ms: Math.round(clock.monotonicMs() - this.#startedMs),
      components,
    };
  }

  async readiness(): Promise<Readiness> {
    if (this.#phase === 'draining') return { ready: false, reason: 'the server is shutting down' };
    if (this.#store === null) return { ready: false, reason: `the store ${NOT_OPEN.reason}` };
    const [store, lasting] = await Promise.all([
      this.#store.result(READINESS_CACHE_MS),
      this.#lasting?.result(READINESS_CACHE_MS) ?? WELL,
    ]);
    const threads = threadsOf(this.#failingThreads());
    if (threads.reason !== undefined) return { ready: false, reason: threads.reason };
    if (!lasting.isWell) return { ready: false, reason: lasting.reason ?? 'the data folder cannot be used' };
    if (!store.isWell) return { ready: false, reason: `the store ${store.reason ?? 'failed'}` };
    return { ready: true };
  }

  #probe(check: (signal: AbortSignal) => Promise<unknown>, timeLimitMs = TIME_LIMIT_MS): Probe {
    return new Probe({ clock: this.#sources.clock, timeLimitMs, check });
  }

  #failingThreads(): readonly string[] {
    return this.#sources.failingThreads?.() ?? [];
  }

  #circuit(name: string): CircuitState | undefined {
    return this.#sources.circuits.get(name)?.state;
  }

  async #checkDisk(folder: string): Promise<void> {
    this.#freeBytes = null;
    await checkWriting(folder);
    this.#freeBytes = await freeBytes(folder);
  }

  #diskOf(result: CheckResult): Component {
    const free = this.#freeBytes;
    const component = ofCheck(result, undefined);
    if (free === null) return component;
    const isLow = result.isWell && free < FREE_BYTES_MIN;
    return {
      ...component,
      ...(isLow ? { status: 'degraded', reason: 'less than 1 GiB is free' } : {}),
      free_bytes: free,
    };
  }
}

/** What a coded error says clients may read. */
function inWords(error: unknown): never {
  if (!(error instanceof CodedError)) throw error;
  const [, said = `did not answer: ${error.message}`] = /^the store (.+)/s.exec(error.message) ?? [];
  throw new Ailment(said);
}

const WELL: CheckResult = { isWell: true };
const NOT_OPEN = { isWell: false, reason: 'is not open yet' };

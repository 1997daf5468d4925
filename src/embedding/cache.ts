import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { orAbort, throwIfAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { LoopTurns } from '../base/loop-turns.ts';
import type { Metrics } from '../base/metrics.ts';
import { CacheTallies, type EmbeddingCacheCounts } from './cache-tallies.ts';
import type { Embedded, EmbeddingKind, EmbeddingProvider, OwnedText } from './provider.ts';
import { norm, normalized } from './vectors.ts';

export interface EmbeddingCacheSettings {
  /** Vectors kept; the one unused for longest leaves first. 0: none, only concurrent requests for one text are joined. */
  readonly maxEntries: number;
  /** How long a vector is kept, in milliseconds. */
  readonly ttlMs: number;
}

/**
 * A provider whose vectors are checked, normalised and kept: one call of the model for all that is missing. Callers share
 * vectors: nobody may change or transfer one.
 */
export interface CachedEmbeddingProvider extends EmbeddingProvider<OwnedText> {
  /** True where the vector would come from memory. */
  has(owned: OwnedText, kind: EmbeddingKind): boolean;
  /** Of one namespace, or of all of them. Hits and misses of a namespace count from its last rest of some length. */
  counts(namespace?: string): EmbeddingCacheCounts;
  /** Drops every vector and says how many there were. Requests under way go on. */
  clear(): number;
}

/** One call of the provider and those who wait for it; it is aborted when nobody does any more. */
interface Flight {
  readonly controller: AbortController;
  readonly keys: readonly string[];
  waiters: number;
  settled: boolean;
  /** In the order of the keys. */
  vectors: Promise<Embedded[]>;
}

/** A text on its way: whose vector it is of the flight's. */
interface Pending {
  readonly flight: Flight;
  readonly place: number;
}

const NOTHING: Promise<Embedded[]> = Promise.resolve([]);
/** Characters hashed before other work gets its turn: some milliseconds. */
const CHARS_PER_TURN = 1_000_000;
/** Texts up to this length are their own key; longer ones are hashed. */
const PLAIN_KEY_CHARS_MAX = 256;

/** Puts an LRU and TTL cache before a provider, asks once for a text that several callers want at once. */
export function withCache(
  provider: EmbeddingProvider,
  settings: EmbeddingCacheSettings,
  clock: Clock,
  metrics: Metrics,
): CachedEmbeddingProvider {
  return new CachingProvider(provider, settings, clock, metrics);
}

class CachingProvider implements CachedEmbeddingProvider {
  readonly id: string;
  readonly dimension: number;
  readonly kind: EmbeddingProvider['kind'];
  readonly #provider: EmbeddingProvider;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #vectors: LRUCache<string, Float32Array> | null;
  /** Bounded by the requests under way. */
  readonly #pending = new Map<string, Pending>();
  readonly #tallies = new CacheTallies();
  readonly #turns = new LoopTurns();

  constructor(provider: EmbeddingProvider, settings: EmbeddingCacheSettings, clock: Clock, metrics: Metrics) {
    this.id = provider.id;
    this.dimension = provider.dimension;
    this.kind = provider.kind;
    this.#provider = provider;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#vectors =
      settings.maxEntries === 0
        ? null
        : new LRUCache({
            max: settings.maxEntries,
            ttl: settings.ttlMs,
            ttlResolution: 0,
            onInsert: (_vector, key, reason) => {
              if (reason === 'add') this.#tallies.entered(namespaceOfKey(key));
            },
            dispose: (_vector, key, reason) => {
              if (reason !== 'set') this.#tallies.left(namespaceOfKey(key));
            },
            // Moved off 0, which lru-cache takes for a time that was never set.
            perf: { now: () => clock.monotonicMs() + 1 },
          });
  }

  has(owned: OwnedText, kind: EmbeddingKind): boolean {
    return this.#vectors?.has(keyOf(owned, kind)) ?? false;
  }

  counts(namespace?: string): EmbeddingCacheCounts {
    return this.#tallies.of(namespace);
  }

  clear(): number {
    const dropped = this.#vectors?.size ?? 0;
    this.#vectors?.clear();
    return dropped;
  }

  async embed(texts: readonly OwnedText[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Embedded[]> {
    throwIfAborted(signal);
    const found = new Map<string, Embedded>();
    const joined = new Map<string, Pending>();
    const missing = new Map<string, string>();
    const chars = texts.reduce((total, { text }) => total + text.length, 0);
    const isQuick = chars <= CHARS_PER_TURN;
    const keys = isQuick ? texts.map((owned) => keyOf(owned, kind)) : await this.#keysInTurns(texts, kind);
    keys.forEach((key, i) => {
      const { namespace, text } = texts[i] as OwnedText;
      const known = found.has(key) || joined.has(key);
      if (known || missing.has(key)) return this.#count(namespace, true);
      const vector = this.#vectors?.get(key);
      const pending = this.#pending.get(key);
      if (vector !== undefined) found.set(key, vector);
      else if (pending !== undefined && !pending.flight.controller.signal.aborted) joined.set(key, pending);
      else missing.set(key, text);
      this.#count(namespace, !missing.has(key));
    });
    if (missing.size > 0) this.#launch(missing, kind, joined);
    if (joined.size > 0) await this.#collect(joined, found, signal);
    return keys.map((key) => found.get(key) as Embedded);
  }

  /** A batch of long texts is hashed in turns with other work. */
  async #keysInTurns(texts: readonly OwnedText[], kind: EmbeddingKind): Promise<string[]> {
    const keys: string[] = [];
    let chars = Infinity;
    for (const owned of texts) {
      chars += owned.text.length;
      if (chars > CHARS_PER_TURN) {
        await this.#turns.next();
        chars = owned.text.length;
      }
      keys.push(keyOf(owned, kind));
    }
    return keys;
  }

  #count(namespace: string, hit: boolean): void {
    this.#tallies.asked(namespace, hit);
    this.#metrics.count(hit ? 'embedding_cache_hits_total' : 'embedding_cache_misses_total');
  }

  /** One call of the provider for all that is missing. */
  #launch(missing: ReadonlyMap<string, string>, kind: EmbeddingKind, joined: Map<string, Pending>): void {
    const flight: Flight = {
      controller: new AbortController(),
      keys: [...missing.keys()],
      waiters: 0,
      settled: false,
      vectors: NOTHING,
    };
    flight.keys.forEach((key, place) => {
      const pending = { flight, place };
      joined.set(key, pending);
      this.#pending.set(key, pending);
    });
    flight.vectors = this.#call([...missing.values()], kind, flight);
    // Whoever gave up has been told why.
    flight.vectors.catch(() => undefined);
  }

  async #call(texts: string[], kind: EmbeddingKind, flight: Flight): Promise<Embedded[]> {
    const startedMs = this.#clock.monotonicMs();
    try {
      const vectors = this.#checked(await this.#provider.embed(texts, kind, flight.controller.signal), texts.length);
      flight.keys.forEach((key, place) => {
        const vector = vectors[place];
        if (vector instanceof Float32Array) this.#vectors?.set(key, vector);
      });
      return vectors;
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw new CodedError('EMBEDDING_UNAVAILABLE', 'the embedding provider failed', { cause: error });
    } finally {
      flight.settled = true;
      for (const key of flight.keys) if (this.#pending.get(key)?.flight === flight) this.#pending.delete(key);
      this.#metrics.observe('embedding_duration_seconds', (this.#clock.monotonicMs() - startedMs) / 1000);
    }
  }

  #checked(vectors: readonly Embedded[], expected: number): Embedded[] {
    if (vectors.length !== expected) {
      throw new CodedError('EMBEDDING_UNAVAILABLE', 'the embedding provider returned a wrong number of vectors');
    }
    return vectors.map((vector) => {
      if (vector instanceof CodedError) return vector;
      if (vector.length !== this.dimension) {
        throw new CodedError(
          'EMBEDDING_UNAVAILABLE',
          `the embedding provider returned ${vector.length} dimensions instead of ${this.dimension}`,
        );
      }
      const length = norm(vector);
      if (!Number.isFinite(length)) {
        throw new CodedError('EMBEDDING_UNAVAILABLE', 'the embedding provider returned numbers that are not finite');
      }
      return normalized(vector, length) ?? vector;
    });
  }

  /** Waits for every joined vector; an abort leaves the flights to their other waiters. */
  async #collect(
    joined: ReadonlyMap<string, Pending>,
    found: Map<string, Embedded>,
    signal: AbortSignal | undefined,
  ): Promise<void> {
    const flights = [...new Set([...joined.values()].map((pending) => pending.flight))];
    for (const flight of flights) flight.waiters++;
    try {
      const landed = await orAbort(Promise.all(flights.map((flight) => flight.vectors)), signal);
      for (const [key, { flight, place }] of joined)
        found.set(key, landed[flights.indexOf(flight)]?.[place] as Embedded);
    } finally {
      for (const flight of flights) {
        flight.waiters--;
        if (flight.waiters === 0 && !flight.settled) flight.controller.abort();
      }
    }
  }
}

/** No namespace holds a space, so no choice of names makes two keys one. The cache belongs to one provider, so its id is left out. */
function keyOf({ namespace, text }: OwnedText, kind: EmbeddingKind): string {
  if (text.length <= PLAIN_KEY_CHARS_MAX) return `${namespace} ${kind} ${text}`;
  return `${namespace} ${kind}#${createHash('sha256').update(text).digest('base64')}`;
}

function namespaceOfKey(key: string): string {
  return key.slice(0, key.indexOf(' '));
}

import { LRUCache } from 'lru-cache';
import { orAbort, SILENT_MS, throwIfAborted } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import { LoopTurns } from '../base/loop-turns.ts';
import type { Metrics } from '../base/metrics.ts';
import { inStage } from '../base/request-scope.ts';
import { CacheTallies, type EmbeddingCacheCounts } from './cache-tallies.ts';
import { KeptVectors } from './kept-vectors.ts';
import { keyOf, namespaceOfKey } from './owned-key.ts';
import type { Embedded, EmbeddingKind, EmbeddingProvider, OwnedText } from './provider.ts';
import type { SharedVectors } from './shared-vectors.ts';
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
  /**
   * Drops every vector and says how many were in memory; those shared by servers, too, but not from the memories of others.
   * Requests under way go on. `EMBEDDING_UNAVAILABLE` where the shared ones may still be there.
   */
  clear(signal?: AbortSignal): Promise<number>;
  /** The same of one namespace's. */
  forget(namespace: string, signal?: AbortSignal): Promise<number>;
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

/**
 * Puts an LRU and TTL cache before a provider, asks once for a text that several callers want at once. `shared` is asked
 * for what is not in memory, and gets what the provider brings.
 */
export function withCache(
  provider: EmbeddingProvider,
  settings: EmbeddingCacheSettings,
  clock: Clock,
  metrics: Metrics,
  shared?: SharedVectors,
): CachedEmbeddingProvider {
  return new CachingProvider(provider, settings, clock, metrics, shared);
}

class CachingProvider implements CachedEmbeddingProvider {
  readonly id: string;
  readonly dimension: number;
  readonly kind: EmbeddingProvider['kind'];
  readonly textTokensMax: EmbeddingProvider['textTokensMax'];
  readonly #provider: EmbeddingProvider;
  readonly #clock: Clock;
  readonly #metrics: Metrics;
  readonly #shared: SharedVectors | undefined;
  readonly #kept: KeptVectors;
  /** Places of those that are kept. */
  readonly #places: LRUCache<string, number> | null;
  /** Bounded by the requests under way. */
  readonly #pending = new Map<string, Pending>();
  readonly #tallies = new CacheTallies();
  readonly #turns = new LoopTurns();

  constructor(
    provider: EmbeddingProvider,
    settings: EmbeddingCacheSettings,
    clock: Clock,
    metrics: Metrics,
    shared: SharedVectors | undefined,
  ) {
    this.#shared = shared;
    this.id = provider.id;
    this.dimension = provider.dimension;
    this.kind = provider.kind;
    this.textTokensMax = provider.textTokensMax;
    this.#provider = provider;
    this.#clock = clock;
    this.#metrics = metrics;
    this.#kept = new KeptVectors(provider.dimension);
    this.#places =
      settings.maxEntries === 0
        ? null
        : new LRUCache({
            max: settings.maxEntries,
            ttl: settings.ttlMs,
            ttlResolution: 0,
            onInsert: (_place, key, reason) => {
              if (reason === 'add') this.#tallies.entered(namespaceOfKey(key));
            },
            dispose: (place, key, reason) => {
              this.#kept.remove(place);
              if (reason !== 'set') this.#tallies.left(namespaceOfKey(key));
            },
            // Moved off 0, which lru-cache takes for a time that was never set.
            perf: { now: () => clock.monotonicMs() + 1 },
          });
  }

  has(owned: OwnedText, kind: EmbeddingKind): boolean {
    return this.#places?.has(keyOf(owned, kind)) ?? false;
  }

  counts(namespace?: string): EmbeddingCacheCounts {
    return this.#tallies.of(namespace);
  }

  async clear(signal?: AbortSignal): Promise<number> {
    const dropped = this.#places?.size ?? 0;
    this.#places?.clear();
    await this.#shared?.clear(signal);
    return dropped;
  }

  async forget(namespace: string, signal?: AbortSignal): Promise<number> {
    const keys = [...(this.#places?.keys() ?? [])].filter((key) => namespaceOfKey(key) === namespace);
    for (const key of keys) this.#places?.delete(key);
    await this.#shared?.clear(signal, namespace);
    return keys.length;
  }

  embed(texts: readonly OwnedText[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Embedded[]> {
    return inStage('embed', () => this.#embed(texts, kind, signal));
  }

  async #embed(texts: readonly OwnedText[], kind: EmbeddingKind, signal?: AbortSignal): Promise<Embedded[]> {
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
      const place = this.#places?.get(key);
      const pending = this.#pending.get(key);
      if (place !== undefined) found.set(key, this.#kept.at(place));
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
    try {
      const vectors = await this.#bring(texts, kind, flight);
      flight.keys.forEach((key, place) => {
        const vector = vectors[place];
        if (vector instanceof Float32Array) this.#places?.set(key, this.#kept.add(vector));
      });
      return vectors;
    } catch (error) {
      if (error instanceof CodedError) throw error;
      throw new CodedError('EMBEDDING_UNAVAILABLE', 'the embedding provider failed', { cause: error });
    } finally {
      flight.settled = true;
      for (const key of flight.keys) if (this.#pending.get(key)?.flight === flight) this.#pending.delete(key);
    }
  }

  /** From the shared cache, as far as it has them in time, else from the provider. */
  async #bring(texts: readonly string[], kind: EmbeddingKind, { keys, controller }: Flight): Promise<Embedded[]> {
    const { signal } = controller;
    const known = (await this.#shared?.get(keys, signal)) ?? [];
    const places = keys.flatMap((_, place) => (known[place] === undefined ? [place] : []));
    if (places.length === 0) return known as Float32Array[];
    throwIfAborted(signal);
    const missing = places.map((place) => texts[place] as string);
    const fresh = this.#checked(await this.#timed(this.#provider.embed(missing, kind, signal)), missing.length);
    const vectors: Embedded[] = [...known] as Float32Array[];
    places.forEach((place, i) => (vectors[place] = fresh[i] as Embedded));
    this.#share(
      places.map((place) => keys[place] as string),
      fresh,
    );
    return vectors;
  }

  async #timed<T>(call: Promise<T>): Promise<T> {
    const startedMs = this.#clock.monotonicMs();
    try {
      return await call;
    } finally {
      this.#metrics.observe('embedding_duration_seconds', (this.#clock.monotonicMs() - startedMs) / 1000);
    }
  }

  #share(keys: readonly string[], embedded: readonly Embedded[]): void {
    const kept = keys.map((key, i) => ({ key, vector: embedded[i] })).filter(isVector);
    this.#shared?.put(
      kept.map(({ key }) => key),
      kept.map(({ vector }) => vector),
    );
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
    const startedMs = this.#clock.monotonicMs();
    for (const flight of flights) flight.waiters++;
    try {
      const landed = await orAbort(Promise.all(flights.map((flight) => flight.vectors)), signal).catch(
        (error: unknown) => {
          const isLate = error instanceof CodedError && error.code === 'DEADLINE_EXCEEDED';
          const isSilent = isLate && this.#clock.monotonicMs() - startedMs >= SILENT_MS;
          throw isSilent ? unanswered(error) : error;
        },
      );
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

function isVector(entry: { readonly key: string; readonly vector: Embedded | undefined }): entry is {
  readonly key: string;
  readonly vector: Float32Array;
} {
  return entry.vector instanceof Float32Array;
}

function unanswered(cause: unknown): CodedError {
  return new CodedError('EMBEDDING_UNAVAILABLE', 'the embedder did not answer before the deadline of the request', {
    cause,
  });
}

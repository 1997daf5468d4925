import { createHash } from 'node:crypto';
import { orAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import { CodedError } from '../base/errors.ts';
import type { Metrics } from '../base/metrics.ts';
import type { CircuitBreaker } from '../base/resilience/circuit-breaker.ts';
import { inTime } from '../base/resilience/in-time.ts';
import { PassingFault } from '../base/resilience/passing-fault.ts';
import { namespaceOfKey } from './owned-key.ts';
import type { RedisConnection } from '../base/redis-connection.ts';
import type { SharedVectors } from './shared-vectors.ts';
import { norm } from './vectors.ts';

export interface RedisVectorsOptions {
  readonly connection: Pick<RedisConnection, 'getAll' | 'set' | 'dropAll' | 'ping' | 'close'>;
  /** All that decides which vector a text gets: model, service, prefixes. */
  readonly model: string;
  readonly dimension: number;
  readonly ttlMs: number;
  readonly breaker: CircuitBreaker;
  readonly clock: Clock;
  readonly metrics: Metrics;
  /** Milliseconds, for tests. */
  readonly timeLimitMs?: number;
}

/** Longer than a network takes, and nothing beside what a model takes. */
const TIME_LIMIT_MS = 250;
const PREFIX = 'context_manager:embedding';
const KEYS_PER_COMMAND = 64;
/** Vectors asked for at a time, in bytes: what is beyond costs the model less than it costs everybody behind it. */
const GET_BYTES_MAX = 16 * 1024 * 1024;
/** Vectors on their way to be kept, in bytes; while there are more, no further ones are. */
const PUT_BYTES_MAX = 16 * 1024 * 1024;
/** Characters of the key that follow its vector: a value that came for another key is told by them. */
const SEAL_CHARS = 16;
/** Float32 rounding, summed up over a vector. */
const UNIT_TOLERANCE = 1e-3;

/**
 * Vectors in Redis, as float32 in little-endian order, each with the end of its key behind it. A key is made of hashes, so
 * that no text and no name stands there; a namespace's vectors are under its own keys, as in memory: it costs a second
 * embedding where two namespaces hold one text, and none can tell by the time an answer takes what another holds.
 */
export class RedisVectors implements SharedVectors {
  readonly #options: RedisVectorsOptions;
  readonly #prefix: string;
  readonly #bytes: number;
  #putBytes = 0;

  constructor(options: RedisVectorsOptions) {
    this.#options = options;
    this.#prefix = `${PREFIX}:${digest(options.model, String(options.dimension)).slice(0, 22)}`;
    this.#bytes = options.dimension * Float32Array.BYTES_PER_ELEMENT;
  }

  async get(keys: readonly string[], signal: AbortSignal): Promise<(Float32Array | undefined)[]> {
    const asked = keys.slice(0, Math.max(1, Math.floor(GET_BYTES_MAX / this.#bytes)));
    const { breaker } = this.#options;
    try {
      const values = await breaker.run(() => this.#inTime(this.#read(asked), signal), signal);
      const vectors = asked.map((key, i) => this.#vectorOf(values[i], this.#keyOf(key)));
      const hits = vectors.filter((vector) => vector !== undefined).length;
      this.#count('hit', hits);
      this.#count('miss', asked.length - hits);
      this.#count('skipped', keys.length - asked.length);
      return keys.map((_, i) => vectors[i]);
    } catch {
      this.#count('skipped', keys.length);
      return keys.map(() => undefined);
    }
  }

  put(keys: readonly string[], vectors: readonly Float32Array[]): void {
    const { breaker, connection, ttlMs } = this.#options;
    const room = Math.floor((PUT_BYTES_MAX - this.#putBytes) / this.#bytes);
    // Probes are for readers: their answers come in time or not at all.
    if (breaker.state !== 'closed' || room <= 0 || keys.length === 0) return;
    const kept = keys.slice(0, room);
    const bytes = kept.length * this.#bytes;
    this.#putBytes += bytes;
    const written = Promise.allSettled(
      kept.map((each, i) => {
        const key = this.#keyOf(each);
        return connection.set(key, Buffer.concat([bytesOf(vectors[i] as Float32Array), sealOf(key)]), ttlMs);
      }),
    );
    void written.then((outcomes) => {
      this.#putBytes -= bytes;
      this.#count('unwritten', outcomes.filter(({ status }) => status === 'rejected').length);
    });
  }

  async clear(signal?: AbortSignal, namespace?: string): Promise<void> {
    const prefix = namespace === undefined ? this.#prefix : this.#prefixOf(namespace);
    try {
      await orAbort(this.#options.connection.dropAll(`${prefix}:*`, signal), signal);
    } catch (error) {
      if (signal?.aborted) throw error;
      throw new CodedError('EMBEDDING_UNAVAILABLE', 'the shared cache of vectors could not be cleared', {
        cause: error,
      });
    }
  }

  async ping(): Promise<void> {
    await this.#options.connection.ping();
  }

  async close(): Promise<void> {
    await this.#options.connection.close();
  }

  async #read(keys: readonly string[]): Promise<(Uint8Array | null)[]> {
    const commands: Promise<readonly (Uint8Array | null)[]>[] = [];
    for (let from = 0; from < keys.length; from += KEYS_PER_COMMAND) {
      const part = keys.slice(from, from + KEYS_PER_COMMAND);
      commands.push(this.#options.connection.getAll(part.map((key) => this.#keyOf(key))));
    }
    return (await Promise.all(commands)).flat();
  }

  /** Redis that is slow is Redis that is down: whoever asks has a model to go to. */
  #inTime<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
    const { clock, timeLimitMs = TIME_LIMIT_MS } = this.#options;
    return inTime(work, {
      clock,
      limitMs: timeLimitMs,
      late: () => failing('Redis did not answer in time'),
      failed: (cause) => failing('Redis failed', cause),
      signal,
    });
  }

  /** Undefined for what nobody wrote here: of another length or another key, with what is no number, not of length 1. */
  #vectorOf(value: Uint8Array | null | undefined, key: string): Float32Array | undefined {
    if (value === null) return undefined;
    if (value?.byteLength === this.#bytes + SEAL_CHARS && sealOf(key).equals(value.subarray(this.#bytes))) {
      const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
      const vector = Float32Array.from({ length: this.#options.dimension }, (_, i) => view.getFloat32(i * 4, true));
      if (Math.abs(norm(vector) - 1) <= UNIT_TOLERANCE) return vector;
    }
    this.#count('foreign', 1);
    return undefined;
  }

  #keyOf(key: string): string {
    return `${this.#prefixOf(namespaceOfKey(key))}:${digest(key)}`;
  }

  #prefixOf(namespace: string): string {
    return `${this.#prefix}:${digest(namespace).slice(0, 22)}`;
  }

  #count(outcome: string, by: number): void {
    if (by > 0) this.#options.metrics.count('embedding_shared_cache_total', { outcome }, by);
  }
}

function failing(message: string, cause?: unknown): PassingFault {
  return new PassingFault('EMBEDDING_UNAVAILABLE', message, { cause });
}

/** In base64url. */
function digest(...parts: readonly string[]): string {
  return createHash('sha256').update(JSON.stringify(parts)).digest('base64url');
}

function sealOf(key: string): Buffer {
  return Buffer.from(key.slice(-SEAL_CHARS), 'latin1');
}

function bytesOf(vector: Float32Array): Buffer {
  const bytes = Buffer.allocUnsafe(vector.length * 4);
  for (let i = 0; i < vector.length; i++) bytes.writeFloatLE(vector[i] as number, i * 4);
  return bytes;
}

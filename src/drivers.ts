import { join } from 'node:path';
import type { Clock } from './base/clock.ts';
import { StartupError } from './base/errors.ts';
import type { Log } from './base/log.ts';
import { LoopTurns } from './base/loop-turns.ts';
import type { Metrics } from './base/metrics.ts';
import type { Random } from './base/random.ts';
import { connectRedis } from './base/redis-connection.ts';
import { type Backend, CircuitBreaker } from './base/resilience/circuit-breaker.ts';
import type { Circuits } from './base/resilience/circuits.ts';
import { openBackend } from './base/resilience/open-backend.ts';
import type { ThreadDeaths } from './base/resilience/thread-deaths.ts';
import { SharedRates } from './base/shared-rates.ts';
import { refuseEncryptionKeys, resolveEncryptionKeys } from './config/encryption-keys.ts';
import type { Settings } from './config/settings.ts';
import { createHttpProvider, prefixesOfModel } from './embedding/http.ts';
import { openLocal } from './embedding/local-opening.ts';
import { PassageEmbedder } from './embedding/passage-embedder.ts';
import { openOnnxProvider } from './embedding/onnx.ts';
import type { EmbeddingProvider, OwnedText } from './embedding/provider.ts';
import { RedisVectors } from './embedding/redis-vectors.ts';
import type { SharedVectors } from './embedding/shared-vectors.ts';
import { EMBEDDED_QUANTIZATION, QDRANT_QUANTIZATION, quantizationIn } from './quantizations.ts';
import type { ChatModel } from './models/chat-model.ts';
import { createHttpChatModel } from './models/http-chat-model.ts';
import {
  isNearlyReembedded,
  openEmbeddedReembedding,
  storedIn,
} from './store/embedded/reembedding/embedded-reembedding.ts';
import { openEmbeddedStore } from './store/embedded/open-embedded-store.ts';
import { openMemoryStore } from './store/memory/open-memory-store.ts';
import { openQdrantStore, type QdrantStoreOptions } from './store/qdrant/open-qdrant-store.ts';
import { QdrantSnapshots } from './store/qdrant/qdrant-snapshots.ts';
import { openQdrantReembedding, storedInQdrant } from './store/qdrant/qdrant-reembedding.ts';
import { embeddedSnapshots } from './store/embedded/embedded-snapshots.ts';
import type { Snapshot } from './store/snapshot/snapshot.ts';
import type { SnapshotDriver } from './store/snapshot/snapshot-driver.ts';
import type { EmbeddingIdentity, EmbedTexts, Reembedding } from './store/reembedding.ts';
import type { GenericStore } from './store/generic/generic-store.ts';

export { resealFolder } from './store/embedded/reseal-folder.ts';

type EmbeddingSettings = Settings['embedding'];
type StoreSettings = Settings['vectorDb'];
type ServerSettings = Pick<Settings, 'embedding' | 'vectorDb'>;
type ServedEmbedding = EmbeddingSettings & {
  readonly dimension: number;
  readonly needsUnitLength: boolean;
  readonly dataDir: string;
};

interface DriverParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Gets those of the backends that are opened. */
  readonly circuits: Circuits;
  /** Told of threads that end by themselves; absent: nobody asks. */
  readonly threads?: ThreadDeaths | undefined;
}

export interface EmbeddingParts extends DriverParts {
  readonly fetch: typeof fetch;
}

/** A provider that may hold a thread or connections. */
export type OpenedProvider = EmbeddingProvider & { close(): Promise<void> };

export interface StoreParts extends DriverParts {
  /** What the stored vectors are made by. */
  readonly embedding: EmbeddingIdentity & Pick<EmbeddingProvider, 'textTokensMax'>;
  /** Makes them: then those that `context-manager reembed` has made take the place of those of another model. */
  readonly embed?: EmbedTexts;
  /** What is not there is refused, not made. */
  readonly mustExist?: boolean;
  /** Told of rows that are sealed with another key while the store is opened, and of how many there are. */
  readonly onReseal?: (progress: { readonly done: number; readonly total: number }) => void;
}

const EMBEDDING_SERVICE: Backend = { name: 'embedding', title: 'the embedding service', code: 'EMBEDDING_UNAVAILABLE' };
const EMBEDDING_MODEL: Backend = { ...EMBEDDING_SERVICE, title: 'the embedding model' };
const SHARED_CACHE: Backend = {
  name: 'embedding_cache',
  title: 'the shared cache of vectors',
  code: 'EMBEDDING_UNAVAILABLE',
};
const SHARED_LIMITS: Backend = { name: 'rate_limit', title: 'the shared limits', code: 'OVERLOADED' };
/** Of what whoever asks can do without: given up soon, and tried again soon. */
const DISPENSABLE_RULES = { failureThreshold: 3, successThreshold: 1, timeoutMs: 10_000, windowMs: 60_000 };
const SUMMARY_BYTES_MAX = 64 * 1024 * 1024;
const SUMMARY_SERVICE: Backend = { name: 'summary', title: 'the service for summaries', code: 'OVERLOADED' };
const VECTOR_DATABASE: Backend = { name: 'vector_db', title: 'the vector database', code: 'STORE_UNAVAILABLE' };

/** By `embedding.provider`. */
const EMBEDDING_DRIVERS: Readonly<
  Record<
    EmbeddingSettings['provider'],
    (settings: ServedEmbedding, parts: EmbeddingParts) => OpenedProvider | Promise<OpenedProvider>
  >
> = {
  local: ({ dimension }, parts) => openLocal({ ...parts, dimension, hasMeanings: true }),
  'local-hash': ({ dimension }, parts) => openLocal({ ...parts, dimension, hasMeanings: false }),
  http: (settings, parts) => {
    const { fetch, clock, random } = parts;
    const why = 'embedding.provider = "http"';
    const model = required(settings.model, 'embedding.model', why);
    const prefixes = prefixesOfModel(model);
    return withoutResources(
      createHttpProvider({
        ...settings,
        url: required(settings.apiUrl, 'embedding.api_url', why),
        model,
        timeoutMs: settings.timeoutSecs * 1000,
        queryPrefix: settings.queryPrefix ?? prefixes.query,
        passagePrefix: settings.passagePrefix ?? prefixes.passage,
        backend: openBackend(EMBEDDING_SERVICE, settings, parts),
        fetch,
        clock,
        random,
      }),
    );
  },
  onnx: (settings, parts) =>
    openOnnxProvider({
      ...settings,
      model: required(settings.model, 'embedding.model', 'embedding.provider = "onnx"'),
      cacheFolder: join(settings.dataDir, 'models'),
      hub: { url: settings.apiUrl, token: settings.apiToken, silenceMs: settings.timeoutSecs * 1000 },
      // A run takes all cores that it may have: one call of queries and one of passages, on which the thread works by turns.
      backend: openBackend(EMBEDDING_MODEL, { ...settings, maxConcurrency: 1 }, parts, { hasLanes: true }),
      onDeath: () => parts.threads?.died('embedding'),
      clock: parts.clock,
      log: parts.log,
    }),
};

/** By `vector_db.driver`. */
const STORE_DRIVERS: Readonly<
  Record<StoreSettings['driver'], (settings: StoreSettings, parts: StoreParts) => Promise<GenericStore>>
> = {
  embedded: (settings, { clock, log, metrics, threads, embedding, embed, mustExist, onReseal }) => {
    const { dataDir, indexingThreshold, memoryBytesMax, compressionThresholdBytes, hnsw } = settings;
    return openEmbeddedStore({
      ...{ dataDir, memoryBytesMax, compressionThresholdBytes, hnsw },
      ...(indexingThreshold !== undefined && { indexingThreshold }),
      seal: resolveEncryptionKeys(settings),
      ...{ clock, log, metrics },
      quantization: quantizationIn(EMBEDDED_QUANTIZATION, settings),
      embeddingId: embedding.id,
      dimension: embedding.dimension,
      ...{ embed, mustExist, onReseal },
      onDeath: () => threads?.died('store'),
    });
  },
  memory: (_, { clock, random, log, embedding }) =>
    Promise.resolve(openMemoryStore({ clock, random, log, dimension: embedding.dimension })),
  qdrant: (settings, parts) => openQdrantStore(qdrantOptions(settings, parts)),
};

function qdrantOptions(settings: StoreSettings, parts: StoreParts): QdrantStoreOptions {
  refuseEncryptionKeys(settings);
  const { clock, random, log, metrics, embedding, embed, mustExist } = parts;
  const { collectionPrefix, timeoutSecs, readConsistency, hnsw, ...own } = settings;
  return {
    ...own,
    hnsw: { m: 48, efConstruction: 200, efSearch: 288, ...hnsw },
    url: required(settings.url, 'vector_db.url', 'vector_db.driver = "qdrant"'),
    timeoutMs: timeoutSecs * 1000,
    prefix: collectionPrefix,
    quantization: quantizationIn(QDRANT_QUANTIZATION, settings),
    // Every copy that works has what was acknowledged, and more than one that must answer is more that may be lost.
    readConsistency: readConsistency === 'auto' ? 'one' : readConsistency,
    embedding,
    embed,
    mustExist,
    needsPassages: embedding.textTokensMax !== undefined,
    backend: openBackend(VECTOR_DATABASE, settings, parts),
    clock,
    random,
    log,
    metrics,
  };
}

type OpenReembedding = (settings: StoreSettings, parts: StoreParts) => Promise<Reembedding | null>;

/** By `vector_db.driver`. */
const REEMBEDDING_DRIVERS: Readonly<Record<StoreSettings['driver'], OpenReembedding>> = {
  embedded: (settings, { random, embedding: to }) => {
    const seal = resolveEncryptionKeys(settings);
    const reembedding = openEmbeddedReembedding({ dataDir: settings.dataDir, to, seal, random });
    reembedding?.forgetRefused();
    return Promise.resolve(reembedding);
  },
  memory: () => {
    throw new StartupError(
      'with `vector_db.driver = "memory"` there is nothing to re-embed',
      'It keeps nothing: a server that starts with another model begins with an empty memory.',
    );
  },
  qdrant: (settings, parts) => openQdrantReembedding(qdrantOptions(settings, parts)),
};

/** The embedder that the settings name, without a cache. Throws `StartupError` where a setting, a package or a model is missing. */
export async function openEmbedding(
  { embedding, vectorDb }: ServerSettings,
  parts: EmbeddingParts,
): Promise<OpenedProvider> {
  const { vectorSize: dimension, distance, dataDir } = vectorDb;
  return await EMBEDDING_DRIVERS[embedding.provider](
    { ...embedding, dimension, needsUnitLength: distance !== 'Cosine', dataDir },
    parts,
  );
}

/** The model that makes summaries; undefined: none does. Throws `StartupError` where a setting is missing. */
export function openSummaryModel(settings: Settings['summary'], parts: EmbeddingParts): ChatModel | undefined {
  if (settings.provider === 'none') return undefined;
  const why = 'summary.provider = "http"';
  const waiting = { maxConcurrency: settings.workers, maxQueue: settings.workers, maxQueueBytes: SUMMARY_BYTES_MAX };
  return createHttpChatModel({
    ...parts,
    url: required(settings.apiUrl, 'summary.api_url', why),
    model: required(settings.model, 'summary.model', why),
    apiToken: settings.apiToken,
    timeoutMs: settings.timeoutSecs * 1000,
    backend: openBackend(SUMMARY_SERVICE, { ...settings, ...waiting }, parts),
  });
}

/** The cache that the settings name, where they name one for vectors that are worth a trip over the network. */
export async function openSharedVectors(
  { embedding, vectorDb }: ServerSettings,
  provider: EmbeddingProvider,
  parts: EmbeddingParts,
): Promise<SharedVectors | undefined> {
  const { redisUrl, cacheEnabled, cacheTtlSecs, apiUrl, queryPrefix, passagePrefix } = embedding;
  if (redisUrl === undefined || !cacheEnabled) return undefined;
  if (provider.kind !== 'semantic') {
    parts.log.warn(
      {},
      'embedding.redis_url is not used: the local embedder makes a vector faster than Redis brings one',
    );
    return undefined;
  }
  const breaker = new CircuitBreaker(SHARED_CACHE, DISPENSABLE_RULES, parts);
  parts.circuits.add(breaker);
  return new RedisVectors({
    connection: await connectRedis({
      url: redisUrl,
      log: parts.log,
      without: 'texts are embedded without the shared cache',
    }),
    // One model may be served differently elsewhere, and with other prefixes its vectors are others.
    model: JSON.stringify([provider.id, apiUrl ?? null, queryPrefix ?? null, passagePrefix ?? null]),
    dimension: vectorDb.vectorSize,
    ttlMs: cacheTtlSecs * 1000,
    breaker,
    clock: parts.clock,
    metrics: parts.metrics,
  });
}

/** Limits that this server shares with others, where the settings name a Redis for them. */
export async function openSharedRates(
  { redisUrl }: Settings['rateLimit'],
  parts: Omit<EmbeddingParts, 'fetch'>,
): Promise<SharedRates | undefined> {
  if (redisUrl === undefined) return undefined;
  const breaker = new CircuitBreaker(SHARED_LIMITS, DISPENSABLE_RULES, parts);
  parts.circuits.add(breaker);
  const without = 'each server counts requests for itself';
  return new SharedRates({
    ...parts,
    breaker,
    connection: await connectRedis({ url: redisUrl, log: parts.log, without }),
  });
}

/** The store that the settings name. Throws `StartupError` where it cannot be opened, or its data cannot be used as they are. */
export async function openStore(settings: StoreSettings, parts: StoreParts): Promise<GenericStore> {
  return await STORE_DRIVERS[settings.driver](settings, parts);
}

/** Of stored texts, for those that make all vectors anew. */
export function textEmbedder(embedding: EmbeddingProvider<OwnedText>): EmbedTexts {
  const embedder = new PassageEmbedder(embedding, new LoopTurns());
  return (texts) => embedder.texts(texts);
}

/** By `vector_db.driver`. */
const STORED_EMBEDDINGS: Readonly<
  Record<StoreSettings['driver'], (settings: StoreSettings, parts: StoreParts) => Promise<EmbeddingIdentity | null>>
> = {
  embedded: (settings, { random }) => storedIn(settings.dataDir, resolveEncryptionKeys(settings), random),
  memory: () => Promise.resolve(null),
  qdrant: (settings, parts) => storedInQdrant(qdrantOptions(settings, parts)),
};

/** What the stored vectors are made by; null: nothing is stored. Throws `StartupError`. */
export async function storedEmbedding(settings: StoreSettings, parts: StoreParts): Promise<EmbeddingIdentity | null> {
  return await STORED_EMBEDDINGS[settings.driver](settings, parts);
}

/** So little is missing of the vectors by `embedding` that `openStore` makes it. */
export async function isNearlyEmbedded(settings: StoreSettings, parts: StoreParts): Promise<boolean> {
  const { random, embedding: to } = parts;
  if (settings.driver !== 'embedded') return false;
  return isNearlyReembedded({ dataDir: settings.dataDir, to, seal: resolveEncryptionKeys(settings), random });
}

/** null: nothing that is stored was made by another model. Throws `StartupError` where the driver cannot. */
export async function openReembedding(settings: StoreSettings, parts: StoreParts): Promise<Reembedding | null> {
  return await REEMBEDDING_DRIVERS[settings.driver](settings, parts);
}

/** By the `store` of a snapshot's manifest. */
const SNAPSHOT_DRIVERS: Readonly<Record<string, (settings: StoreSettings, parts: StoreParts) => SnapshotDriver>> = {
  embedded: (settings, { random }) =>
    embeddedSnapshots(settings.dataDir, { seal: resolveEncryptionKeys(settings), random }),
  qdrant: (settings, parts) => new QdrantSnapshots(qdrantOptions(settings, parts)),
};

/** What reads a snapshot. Throws `StartupError` where nothing does. */
export function snapshotDriver(
  { store, embedder: id, dimension }: Snapshot['manifest'],
  settings: StoreSettings,
  parts: Omit<StoreParts, 'embedding' | 'embed' | 'mustExist' | 'onReseal'>,
): SnapshotDriver {
  const open = SNAPSHOT_DRIVERS[store];
  if (open !== undefined) return open(settings, { ...parts, embedding: { id, dimension } });
  throw new StartupError(
    `the snapshot is of a store named ${store}, which this program does not know`,
    'Use the version of context-manager that made it.',
  );
}

/** A setting that one driver needs and no other does. */
function required<T>(value: T | undefined, setting: string, why: string): T {
  if (value === undefined)
    throw new StartupError(`\`${setting}\` is not set`, `${why} needs it; see config/reference.toml.`);
  return value;
}

function withoutResources(provider: EmbeddingProvider): OpenedProvider {
  return Object.assign(provider, { close: () => Promise.resolve() });
}

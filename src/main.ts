import { availableParallelism } from 'node:os';
import { schedule, validate, type ScheduledTask } from 'node-cron';
import { Gate } from './api/gate.ts';
import { KeyRing } from './api/key-ring.ts';
import { systemClock, type Clock } from './base/clock.ts';
import { StartupError } from './base/errors.ts';
import { silentLog, type Log } from './base/log.ts';
import type { Metrics } from './base/metrics.ts';
import { systemRandom, type Random } from './base/random.ts';
import type { KeySettings } from './config/keys.ts';
import type { Config } from './config/schema.ts';
import { withCache, type CachedEmbeddingProvider } from './embedding/cache.ts';
import { createHttpProvider, prefixesOfModel } from './embedding/http.ts';
import { createLocalProvider } from './embedding/local.ts';
import { createLocalThread } from './embedding/local-thread.ts';
import type { EmbeddingProvider } from './embedding/provider.ts';
import { createMemory } from './hirag/memory.ts';
import type { Memory } from './hirag/types.ts';
import { createHealth, type Health } from './fronts/http/health.ts';
import { startHttpListener } from './fronts/http/http.ts';
import { createMetricsRegistry } from './fronts/http/metrics.ts';
import { ConnectionHandler } from './fronts/socket/connection-handler.ts';
import { Listener } from './fronts/socket/listener.ts';
import { createValidators } from './protocol/messages.ts';
import { openEmbeddedStore } from './store/embedded/open-embedded-store.ts';
import type { ContextStore } from './store/store.ts';
import { gateSettings, hiragSettings, keyConfigs, required, serverLimits } from './wiring.ts';

export interface ServerSetup {
  readonly config: Config;
  readonly keys: readonly KeySettings[];
  /** Absolute path of `vector_db.data_dir`. */
  readonly dataDir: string;
}

export interface ServerDeps {
  readonly clock?: Clock;
  readonly random?: Random;
  readonly log?: Log;
  readonly version?: string;
  readonly fetch?: typeof fetch;
}

export interface RunningServer {
  readonly host: string;
  readonly port: number;
  readonly httpPort: number;
  /** Says goodbye to clients, finishes what is in flight, flushes, closes the store; a second call waits for the first. */
  stop(): Promise<void>;
}

/** Undoes what was started, last first. */
type Cleanup = (task: () => unknown) => void;

/** Builds, wires and starts a whole server. Throws `StartupError`, with everything closed again. */
export async function startServer(setup: ServerSetup, deps: ServerDeps = {}): Promise<RunningServer> {
  const tasks: (() => unknown)[] = [];
  const stopAll = async (): Promise<void> => {
    for (const task of tasks.splice(0).reverse()) await task();
  };
  try {
    const running = await build(setup, { ...DEFAULTS, ...deps }, (task) => tasks.push(task));
    let stopped: Promise<void> | undefined;
    return { ...running, stop: () => (stopped ??= stopAll()) };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

const DEFAULTS: Required<ServerDeps> = {
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  version: '0.0.0',
  fetch,
};

async function build(
  setup: ServerSetup,
  deps: Required<ServerDeps>,
  onStop: Cleanup,
): Promise<Omit<RunningServer, 'stop'>> {
  const { server } = setup.config;
  const { clock, log } = deps;
  const metrics = createMetricsRegistry();
  onStop(() => metrics.close());
  const provider = startProvider(setup.config.embedding, deps);
  const health = createHealth({
    clock,
    version: deps.version,
    embedderAnswers: () => provider.embed(['ready?'], 'query'),
  });

  // Probes are answered from the first moment: opening a large store takes its time.
  const http = await startHttpListener({ host: server.http_host, port: server.http_port, health, metrics, log });
  onStop(() => http.close());
  const embedding = cached(provider, setup.config.embedding, clock, metrics);
  const memory = await openMemory(setup, embedding, { ...deps, metrics }, onStop);
  // Before the store's thread ends: V8 (Node 24.21) may crash where one ends while another still strips types.
  onStop(() => provider.close());
  startGc(setup.config.hirag.gc_schedule, memory, log, onStop);
  const { address, port } = await listen(setup, memory, { ...deps, metrics }, onStop);
  markRunning(health, memory, onStop);
  log.info({ host: address, port, http_port: http.port, version: deps.version }, 'listening');
  return { host: address, port, httpPort: http.port };
}

interface Parts extends Required<ServerDeps> {
  readonly metrics: Metrics;
}

async function openMemory(
  setup: ServerSetup,
  embedding: CachedEmbeddingProvider,
  parts: Parts,
  onStop: Cleanup,
): Promise<Memory> {
  const store = await openStore(setup, embedding, parts);
  onStop(() => store.close());
  const memory = createMemory({ ...parts, store, embedding, settings: hiragSettings(setup.config.hirag) });
  onStop(() => memory.close());
  return memory;
}

/** Ends lifetimes by schedule; a sweep that is still running is not started again. */
function startGc(expression: string, memory: Memory, log: Log, onStop: Cleanup): void {
  if (!validate(expression)) {
    throw new StartupError(
      `\`hirag.gc_schedule\` is not a cron expression: ${expression}`,
      'Write it as "* * * * *" (every minute).',
    );
  }
  const sweep = (): Promise<void> =>
    memory.gc().then(
      () => undefined,
      (error: unknown) => log.warn({ error }, 'lifetimes could not be ended; trying again at the next turn'),
    );
  const task: ScheduledTask = schedule(expression, sweep, {
    noOverlap: true,
    suppressMissedWarning: true,
    unref: true,
  });
  onStop(() => task.destroy());
}

async function listen(
  setup: ServerSetup,
  memory: Memory,
  parts: Parts,
  onStop: Cleanup,
): Promise<{ address: string; port: number }> {
  const { server, protocol } = setup.config;
  const validators = createValidators();
  const gate = new Gate({ ...parts, memory, validators, limits: gateSettings(protocol) });
  const handler = new ConnectionHandler({
    ...parts,
    gate,
    validators,
    keys: new KeyRing(keyConfigs(setup.keys), parts.clock, parts.random),
    limits: serverLimits(protocol),
  });
  const listener = new Listener({
    handler,
    host: server.host,
    port: server.port,
    maxConnections: server.max_connections,
    clock: parts.clock,
    log: parts.log,
  });
  try {
    const address = await listener.listen();
    onStop(() => listener.stop(server.shutdown_deadline_ms));
    return address;
  } catch (error) {
    await handler.stop(0);
    throw error;
  }
}

function markRunning(health: Health, memory: Memory, onStop: Cleanup): void {
  health.running(() => memory.healthy());
  onStop(() => health.stopping());
}

/** The same as `createProvider`, beside the main thread where that saves it work and there is a core for it. */
function startProvider(
  config: Config['embedding'],
  deps: Required<ServerDeps>,
): EmbeddingProvider & { close(): Promise<void> } {
  if (config.provider === 'local' && availableParallelism() > 1)
    return createLocalThread({ ...deps, dimension: config.dimension });
  return Object.assign(createProvider(config, deps), { close: () => Promise.resolve() });
}

/** The embedder that the configuration names, without its cache. */
export function createProvider(config: Config['embedding'], deps: { readonly fetch: typeof fetch }): EmbeddingProvider {
  if (config.provider === 'local') return createLocalProvider({ dimension: config.dimension });
  const model = required(config.model, 'embedding.model', 'embedding.provider = "http"');
  const prefixes = prefixesOfModel(model);
  return createHttpProvider({
    url: required(config.url, 'embedding.url', 'embedding.provider = "http"'),
    model,
    dimension: config.dimension,
    batchSize: config.batch_size,
    timeoutMs: config.timeout_ms,
    queryPrefix: config.query_prefix ?? prefixes.query,
    passagePrefix: config.passage_prefix ?? prefixes.passage,
    fetch: deps.fetch,
    ...(config.api_token === undefined ? {} : { apiToken: config.api_token }),
  });
}

function cached(
  provider: EmbeddingProvider,
  config: Config['embedding'],
  clock: Clock,
  metrics: Metrics,
): CachedEmbeddingProvider {
  return withCache(provider, { maxEntries: config.cache_entries, ttlMs: config.cache_ttl_secs * 1000 }, clock, metrics);
}

/** The store that the configuration names. Throws `StartupError` where its data cannot be used as they are. */
export function openStore(
  { config, dataDir }: Pick<ServerSetup, 'config' | 'dataDir'>,
  embedding: Pick<EmbeddingProvider, 'id' | 'dimension'>,
  parts: { readonly clock: Clock; readonly log: Log; readonly metrics: Metrics },
): Promise<ContextStore> {
  const { hnsw, ...settings } = config.vector_db;
  return openEmbeddedStore({
    ...parts,
    dataDir,
    embeddingId: embedding.id,
    dimension: embedding.dimension,
    indexingThreshold: settings.indexing_threshold,
    hnsw: { m: hnsw.m, efConstruction: hnsw.ef_construction, efSearch: hnsw.ef_search },
    quantization: settings.quantization,
    memoryBytesMax: settings.memory_bytes_max,
  });
}

import type { RateLimit } from './base/token-bucket.ts';
import { noAudit, type Audit } from './api/audit.ts';
import { Gate } from './api/gate.ts';
import { KeyRing } from './api/key-ring.ts';
import type { JobsByHand } from './api/handlers/handler.ts';
import { gateLimits } from './api/limits.ts';
import { createRequestBudget } from './api/request-budget.ts';
import { systemClock, type Clock } from './base/clock.ts';
import { StartupError } from './base/errors.ts';
import { silentLog, type Log } from './base/log.ts';
import { systemRandom, type Random } from './base/random.ts';
import { Circuits } from './base/resilience/circuits.ts';
import type { Tracing } from './base/tracing.ts';
import type { KeySettings } from './config/keys.ts';
import type { Settings } from './config/settings.ts';
import { snapshotFolder } from './config/snapshot-folder.ts';
import { openEmbedding, openSharedVectors, openStore, textEmbedder } from './drivers.ts';
import { withCache } from './embedding/cache.ts';
import { withTextBound } from './embedding/text-bound.ts';
import { onlyVectors } from './embedding/provider.ts';
import { AuditFile } from './fronts/http/audit-file.ts';
import { createHealth } from './fronts/http/health.ts';
import { startHttpListener } from './fronts/http/http.ts';
import { createMetricsRegistry } from './fronts/http/metrics.ts';
import { showDisk, showStoreFigures } from './fronts/http/store-gauges.ts';
import { Addresses } from './fronts/socket/addresses.ts';
import { ConnectionHandler, type ConnectionHandlerDeps } from './fronts/socket/connection-handler.ts';
import { socketLimits } from './fronts/socket/limits.ts';
import { Listener } from './fronts/socket/listener.ts';
import { JobRegistry } from './jobs/job-registry.ts';
import type { JobDeps } from './jobs/job.ts';
import { isCronExpression } from './jobs/schedule.ts';
import { createMemory } from './hirag/memory.ts';
import type { Memory } from './hirag/types.ts';
import { createValidators } from './protocol/messages.ts';
import { MeasuredStore } from './store/measured-store.ts';
import { SnapshotKeeper } from './store/snapshot/snapshot-keeper.ts';

export interface ServerSetup {
  readonly settings: Settings;
  readonly keys: readonly KeySettings[];
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
    const running = await build(setup, { ...REAL_WORLD, ...deps }, (task) => tasks.push(task));
    let stopped: Promise<void> | undefined;
    return { ...running, stop: () => (stopped ??= stopAll()) };
  } catch (error) {
    await stopAll();
    throw error;
  }
}

const REAL_WORLD: Required<ServerDeps> = {
  clock: systemClock,
  random: systemRandom,
  log: silentLog,
  version: '0.0.0',
  fetch,
};

async function build(
  { settings, keys }: ServerSetup,
  deps: Required<ServerDeps>,
  onStop: Cleanup,
): Promise<Omit<RunningServer, 'stop'>> {
  const { server, hirag } = settings;
  const { clock, log, version } = deps;
  const startedMs = clock.monotonicMs();
  const metrics = createMetricsRegistry(clock);
  onStop(() => metrics.close());
  metrics.gauge('uptime_seconds', () => (clock.monotonicMs() - startedMs) / 1000);
  metrics.gauge('build_info', () => 1, { version, node: process.version });
  showDisk(metrics, clock, settings.vectorDb.dataDir);
  const audit = openAudit(settings.audit, { clock, log, metrics }, onStop);
  const tracing = await openSpans(settings.tracing, version, clock, onStop);
  const circuits = new Circuits();
  const health = createHealth({
    clock,
    version,
    circuits,
    eventLoopDelaySeconds: () => metrics.eventLoopDelaySeconds,
    ...(settings.vectorDb.driver === 'embedded' ? { dataFolder: settings.vectorDb.dataDir } : {}),
  });

  // Probes are answered from the first moment: fetching a model and opening a large store take their time.
  const http = await startHttpListener({ host: server.httpHost, port: server.httpPort, health, metrics, clock, log });
  onStop(() => http.close());

  const provider = await openEmbedding(settings, { ...deps, metrics, circuits });
  onStop(() => provider.close());
  const shared = await openSharedVectors(settings, provider, { ...deps, metrics, circuits });
  onStop(() => shared?.close());
  health.embedding({
    embedderAnswers: async (signal) => onlyVectors(await provider.embed(['ready?'], 'query', signal)),
    isDispensable: settings.embedding.defer,
    sharedCacheAnswers: shared && (() => shared.ping()),
  });

  const { cacheEnabled, cacheSize, cacheTtlSecs } = settings.embedding;
  const kept = { maxEntries: cacheEnabled ? cacheSize : 0, ttlMs: cacheTtlSecs * 1000 };
  const embedding = withCache(withTextBound(provider), kept, clock, metrics, shared);
  const embed = textEmbedder(embedding);
  const store = await openStore(settings.vectorDb, { ...deps, metrics, circuits, embedding, embed });
  // The embedder first: V8 (Node 24.21) may crash where one thread ends while another still strips types.
  onStop(() => provider.close().then(() => store.close()));
  const measured = new MeasuredStore(store, clock, metrics);
  const { defer } = settings.embedding;
  const memory = createMemory({ ...deps, metrics, store: measured, embedding, settings: hirag, defer });
  onStop(() => memory.close());
  showStoreFigures(metrics, clock, async () => (await memory.stats()).store);
  await tellUnsearched(memory, log);

  const snapshots = new SnapshotKeeper({
    folder: snapshotFolder(settings),
    copyInto: async (folder, signal) => {
      await memory.flushAccessCounts();
      return store.copyInto(folder, signal);
    },
    distance: settings.vectorDb.distance,
    retention: settings.snapshots,
    ...{ version, clock, random: deps.random, log, metrics },
  });
  snapshots.look();
  const jobs = startJobs(settings, { memory, snapshots }, { clock, log, metrics }, onStop);
  const parts = { ...deps, metrics, audit, validators: createValidators() };
  const { slowRequestMs } = settings.logging;
  const gate = new Gate({
    ...parts,
    memory,
    jobs,
    snapshots,
    circuits,
    limits: gateLimits(settings.protocol),
    slowRequestMs,
    tracing,
  });
  const limits = socketLimits(settings);
  const budget = createRequestBudget(settings.protocol, metrics);
  const socket = {
    ...parts,
    gate,
    budget,
    keys: new KeyRing(limited(keys, settings.rateLimit), clock, deps.random),
    limits,
  };
  const addresses = new Addresses(
    { maxConnections: server.maxConnectionsPerAddress, requests: defaultRate(settings.rateLimit) },
    clock,
  );
  const { address, port } = await listen(server, { ...socket, addresses }, onStop);
  health.running({
    storeAnswers: () => memory.healthy(),
    cacheEntries: () => embedding.counts().entries,
    jobs: () => jobs.registry.states,
    backlog: () => memory.backlog,
  });
  onStop(() => snapshots.close());
  onStop(() => health.stopping());
  log.info({ host: address, port, http_port: http.port, version }, 'listening');
  return { host: address, port, httpPort: http.port };
}

/** What a key without a rate of its own, and each address, may ask for; null: anything. */
function defaultRate({ enabled, requestsPerMinute, burstSize }: Settings['rateLimit']): RateLimit | null {
  return enabled ? { perSecond: requestsPerMinute / 60, burst: burstSize } : null;
}

function limited(keys: readonly KeySettings[], settings: Settings['rateLimit']): KeySettings[] {
  const rate = defaultRate(settings);
  return keys.map((key) => (rate === null || key.rateLimit !== undefined ? key : { ...key, rateLimit: rate }));
}

/** Loaded where it is switched on alone: without it a request costs nothing more. */
async function openSpans(
  settings: Settings['tracing'],
  version: string,
  clock: Clock,
  onStop: Cleanup,
): Promise<Tracing | undefined> {
  if (!settings.enabled) return undefined;
  const { openTracing } = await import('./fronts/http/open-telemetry.ts');
  const opened = await openTracing(settings, version, clock);
  onStop(() => opened.close());
  return opened.tracing;
}

function openAudit({ folder, ...rules }: Settings['audit'], deps: JobDeps, onStop: Cleanup): Audit {
  if (folder === undefined) return noAudit;
  const file = new AuditFile({ folder, ...rules, ...deps });
  onStop(() => file.close());
  return file;
}

/** Contexts that nothing finds any more are told of once, here; each query that misses them says so, too. */
async function tellUnsearched(memory: Memory, log: Log): Promise<void> {
  try {
    for (const { level, count } of await memory.unsearched())
      log.warn({ level, count }, 'no query finds these contexts: their level is switched off');
  } catch (error) {
    log.warn({ error }, 'contexts in levels that are switched off could not be counted');
  }
}

/** How soon what was stored without vectors is looked for. */
const BACKLOG_EVERY_MS = 5_000;

/** What runs by schedule, with what a request may run by hand. */
function startJobs(
  { hirag, snapshots: { schedule }, vectorDb }: Settings,
  { memory, snapshots }: { readonly memory: Memory; readonly snapshots: SnapshotKeeper },
  deps: JobDeps,
  onStop: Cleanup,
): JobsByHand & { readonly registry: JobRegistry } {
  checkCron('hirag.gc_schedule', hirag.gcSchedule, '"* * * * *" (every minute)');
  const jobs = new JobRegistry(deps);
  const expirySweep = jobs.add({
    name: 'expiry_sweep',
    schedule: { cron: hirag.gcSchedule },
    run: (signal) => memory.gc(signal),
  });
  jobs.add({
    name: 'access_flush',
    schedule: { everyMs: hirag.accessFlushMs },
    run: () => memory.flushAccessCounts(),
  });
  jobs.add({
    name: 'embedding_backlog',
    schedule: { everyMs: BACKLOG_EVERY_MS },
    run: (signal) => memory.embedBacklog(signal),
  });
  // Qdrant takes its own (docs/qdrant.md), and what the memory driver holds is not meant to outlive the process.
  if (schedule !== undefined && vectorDb.driver === 'embedded') {
    checkCron('snapshots.schedule', schedule, '"0 3 * * *" (daily at three)');
    jobs.add({ name: 'snapshot', schedule: { cron: schedule }, run: (signal) => snapshots.turn(signal) });
  }
  jobs.start();
  onStop(() => jobs.stop());
  return { registry: jobs, expirySweep: () => expirySweep.run() };
}

function checkCron(setting: string, expression: string, example: string): void {
  if (isCronExpression(expression)) return;
  throw new StartupError(`\`${setting}\` is not a cron expression: ${expression}`, `Write it as ${example}.`);
}

async function listen(
  { host, port, maxConnections, shutdownTimeoutSecs }: Settings['server'],
  deps: ConnectionHandlerDeps & { readonly addresses: Addresses },
  onStop: Cleanup,
): Promise<{ address: string; port: number }> {
  const { clock, log, addresses } = deps;
  const handler = new ConnectionHandler(deps);
  const listener = new Listener({ handler, host, port, maxConnections, addresses, clock, log });
  try {
    const address = await listener.listen();
    onStop(() => listener.stop(shutdownTimeoutSecs * 1000));
    return address;
  } catch (error) {
    await handler.stop(0);
    throw error;
  }
}

import { noAudit, type Audit } from './api/audit.ts';
import { Gate } from './api/gate.ts';
import { KeyRing, type KeyChanges } from './api/key-ring.ts';
import { gateLimits } from './api/limits.ts';
import { createRequestBudget } from './api/request-budget.ts';
import { systemClock, type Clock } from './base/clock.ts';
import { FailedLogins } from './base/failed-logins.ts';
import { silentLog, type Log } from './base/log.ts';
import { systemRandom, type Random } from './base/random.ts';
import { Circuits } from './base/resilience/circuits.ts';
import { ThreadDeaths } from './base/resilience/thread-deaths.ts';
import type { Tracing } from './base/tracing.ts';
import type { Settings } from './config/settings.ts';
import { snapshotFolder } from './config/snapshot-folder.ts';
import { openSharedRates, openSharedVectors, openStore, openSummaryModel, textEmbedder } from './drivers.ts';
import { withCache } from './embedding/cache.ts';
import { withTextBound } from './embedding/text-bound.ts';
import { onlyVectors } from './embedding/provider.ts';
import { AuditFile } from './fronts/http/audit-file.ts';
import { createHealth } from './fronts/http/health.ts';
import { startHttpListener } from './fronts/http/http.ts';
import { createMetricsRegistry } from './fronts/http/metrics.ts';
import { EncryptionStatus, type ResealingState } from './encryption-status.ts';
import { showDisk, showStoreFigures } from './fronts/http/store-gauges.ts';
import { Addresses } from './fronts/socket/addresses.ts';
import { ConnectionHandler, type ConnectionHandlerDeps } from './fronts/socket/connection-handler.ts';
import { socketLimits, tlsRules } from './fronts/socket/limits.ts';
import { Listener, type ListenerDeps } from './fronts/socket/listener.ts';
import { keepKeyUsage } from './jobs/key-usage.ts';
import type { JobDeps } from './jobs/job.ts';
import {
  addressLimits,
  checkSchedules,
  limitedKeys,
  reload,
  slowdownRules,
  type ServerSetup,
} from './live-settings.ts';
import { erasableSnapshots } from './erase-snapshots.ts';
import { createMemory } from './hirag/memory.ts';
import { readNearWords } from './base/text/near-words.ts';
import type { Memory } from './hirag/types.ts';
import { openDashboard } from './open-dashboard.ts';
import { openGateway } from './open-gateway.ts';
import { openServedEmbedding } from './served-embedding.ts';
import { startJobs } from './start-jobs.ts';
import { startUpgrade } from './vector-upgrade.ts';
import { createValidators } from './protocol/messages.ts';
import { MeasuredStore } from './store/measured-store.ts';
import { SnapshotKeeper } from './store/snapshot/snapshot-keeper.ts';

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
  /** Null: the gateway is switched off. */
  readonly gatewayPort: number | null;
  /**
   * Takes over what `read` gives: the keys, and what of the settings is live. Where that or it throws nothing is changed, and the
   * error is thrown on: a `StartupError` says what to mend.
   */
  reload(read: () => ServerSetup): KeyChanges;
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
  { settings, keys, certificates = null }: ServerSetup,
  deps: Required<ServerDeps>,
  onStop: Cleanup,
): Promise<Omit<RunningServer, 'stop'>> {
  const { server, hirag } = settings;
  const { clock, log, version } = deps;
  checkSchedules(settings);
  const startedMs = clock.monotonicMs();
  const metrics = createMetricsRegistry(clock);
  onStop(() => metrics.close());
  metrics.gauge('uptime_seconds', () => (clock.monotonicMs() - startedMs) / 1000);
  metrics.gauge('build_info', () => 1, { version, node: process.version });
  showDisk(metrics, clock, settings.vectorDb.dataDir);
  const audit = openAudit(settings.audit, { clock, log, metrics }, onStop);
  const tracing = await openSpans(settings.tracing, version, clock, onStop);
  const circuits = new Circuits();
  const threads = new ThreadDeaths(clock, metrics);
  const encryption = new EncryptionStatus(settings.vectorDb);
  const health = createHealth({
    clock,
    version,
    circuits,
    failingThreads: () => threads.failing,
    eventLoopDelaySeconds: () => metrics.eventLoopDelaySeconds,
    ...(settings.vectorDb.driver === 'embedded'
      ? { dataFolder: settings.vectorDb.dataDir, encryption: () => encryption.state }
      : {}),
  });

  // Probes are answered from the first moment: fetching a model and opening a large store take their time.
  const failedLogins = new FailedLogins(slowdownRules(settings), { clock, log, metrics });
  const dashboard = openDashboard(settings, { ...deps, health, metrics, circuits, audit, failedLogins });
  const ofHttp = settings.tls.http ? certificates : null;
  const listening = { host: server.httpHost, port: server.httpPort, certificates: ofHttp };
  const { allowedHosts } = settings.dashboard;
  const http = await startHttpListener({ ...listening, allowedHosts, health, metrics, dashboard, clock, log });
  onStop(() => http.close());

  const { provider, upgradesTo } = await openServedEmbedding(settings, { ...deps, metrics, circuits, threads });
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
  const onReseal = (progress: ResealingState): void => encryption.resealing(progress);
  const store = await openStore(settings.vectorDb, { ...deps, metrics, circuits, threads, embedding, embed, onReseal });
  encryption.resealing(null);
  // The embedder first: V8 (Node 24.21) may crash where one thread ends while another still strips types.
  onStop(() => provider.close().then(() => store.close()));
  const measured = new MeasuredStore(store, clock, metrics);
  const { defer } = settings.embedding;
  const summaryModel = openSummaryModel(settings.summary, { ...deps, metrics, circuits });
  const memory = createMemory({
    ...deps,
    nearWords: await readNearWords(),
    metrics,
    summary: summaryModel && { model: summaryModel, settings: settings.summary },
    store: measured,
    embedding,
    settings: hirag,
    window: settings.window,
    defer,
  });
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
  const erasable = erasableSnapshots(snapshots, settings, { ...deps, metrics, circuits });
  const { wholeCheck } = store;
  const jobs = startJobs(settings, { memory, snapshots, wholeCheck, erasable }, { clock, log, metrics }, onStop);
  const parts = { ...deps, metrics, audit, validators: createValidators() };
  const { slowRequestMs } = settings.logging;
  const gate = new Gate({
    ...parts,
    memory,
    jobs,
    snapshots: erasable,
    circuits,
    limits: gateLimits(settings.protocol),
    slowRequestMs,
    tracing,
  });
  const budget = createRequestBudget(settings.protocol, metrics);
  const rates = await openSharedRates(settings.rateLimit, { ...parts, circuits });
  onStop(() => rates?.close());
  const ring = new KeyRing(limitedKeys({ settings, keys }), clock, deps.random, rates?.bucket);
  const keyUsage = jobs.registry.add(keepKeyUsage(ring, settings.vectorDb.dataDir, log));
  onStop(() => keyUsage.run());
  const addresses = new Addresses(addressLimits(settings), clock, rates?.bucket);
  const socket = { ...parts, gate, budget, failedLogins, keys: ring, limits: socketLimits(settings) };
  const tls = certificates && tlsRules(settings, certificates);
  const { listener, address, port } = await listen(server, { ...socket, addresses, tls }, onStop);
  const addressBucket = (from: string) => addresses.bucketOf(from);
  const asked = { ...parts, gate, keys: ring, failedLogins, addressBucket, certificates: ofHttp };
  const { gateway, port: gatewayPort, ofHealth } = await openGateway(settings, asked, onStop);
  jobs.registry.start();
  const live = { keys: ring, addresses, failedLogins, listener, http, gate, audit, metrics, gateway };
  const upgrade = startUpgrade(settings, provider.id, upgradesTo, { clock, log }, onStop);
  const shown = { cacheEntries: () => embedding.counts().entries, jobs: () => jobs.registry.states };
  health.running({
    storeAnswers: () => memory.storeAnswers(),
    backlog: () => memory.backlog,
    sharedLimitsAnswer: rates && (() => rates.ping()),
    upgrade: upgrade && (() => upgrade.state),
    ...{ ...shown, ...ofHealth },
  });
  dashboard?.running({ gate, keys: ring, addressBucket, ...shown });
  onStop(() => snapshots.close());
  onStop(() => dashboard?.close());
  onStop(() => health.stopping());
  log.info({ host: address, port, http_port: http.port, version }, 'listening');
  return { host: address, port, httpPort: http.port, gatewayPort, reload: (read) => reload(live, read) };
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

async function listen(
  { host, port, maxConnections, shutdownTimeoutSecs }: Settings['server'],
  deps: ConnectionHandlerDeps & Pick<ListenerDeps, 'addresses' | 'tls'>,
  onStop: Cleanup,
): Promise<{ listener: Listener; address: string; port: number }> {
  const { clock, log, addresses, tls } = deps;
  const handler = new ConnectionHandler(deps);
  const listener = new Listener({ handler, host, port, maxConnections, addresses, tls, clock, log });
  try {
    const { address, port: taken } = await listener.listen();
    onStop(() => listener.stop(shutdownTimeoutSecs * 1000));
    return { listener, address, port: taken };
  } catch (error) {
    await handler.stop(0);
    throw error;
  }
}

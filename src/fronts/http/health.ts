import type { Clock } from '../../base/clock.ts';
import type { CircuitState } from '../../base/resilience/circuit-breaker.ts';
import type { Circuits } from '../../base/resilience/circuits.ts';

export interface HealthSources {
  readonly circuits: Circuits;
  readonly clock: Clock;
  readonly version: string;
}

export interface CheckResult {
  readonly status: 'ok' | 'failed';
  readonly reason?: string;
}

/** `degraded`: works, and not as it should. */
export type ComponentStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface Component {
  readonly status: ComponentStatus;
  /** Of its circuit; absent: it has none, as it is asked within this process. */
  readonly state?: CircuitState;
  readonly reason?: string;
}

export interface BacklogSize {
  /** It is still to be made. */
  readonly pending: number;
  /** The model makes none for their texts. */
  readonly refused: number;
}

export interface HealthReport {
  readonly status: 'ok' | 'failed' | 'starting' | 'stopping';
  readonly version: string;
  readonly uptime_ms: number;
  readonly checks: { readonly store: CheckResult; readonly embedder: CheckResult };
  /** By the sections of the settings; there may be more. */
  readonly components: Readonly<Record<string, Component & Partial<BacklogSize>>>;
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not. */
  readonly reason?: string;
}

export interface Health {
  report(): Promise<HealthReport>;
  readiness(): Promise<Readiness>;
  /**
   * The embedder is open. `embedderAnswers` embeds one short text, and rejects where the model cannot be reached;
   * `sharedCacheAnswers` rejects where the cache that servers share cannot be. Without it there is none.
   */
  embedding(embedderAnswers: () => Promise<unknown>, sharedCacheAnswers?: () => Promise<unknown>): void;
  /**
   * The server is up; `storeAnswers` tells whether its store is, and may hang where it is not. `backlog`: contexts without a
   * vector.
   */
  running(storeAnswers: () => Promise<boolean>, backlog?: () => BacklogSize): void;
  /** From now on not ready: the server is going away. */
  stopping(): void;
}

const PROBE_TIMEOUT_MS = 1000;
/** Probes come from several places at once; the store is asked once in this time. */
const STORE_CACHE_MS = 1000;
/** An embedding service may cost money. */
const EMBEDDER_CACHE_MS = 30_000;

/** Starting until `running` is called. Asks the backends, with a timeout, and not at every call. */
export function createHealth(sources: HealthSources): Health {
  const startedMs = sources.clock.monotonicMs();
  let phase: 'starting' | 'running' | 'stopping' = 'starting';
  let store = notOpen;
  let embedder = notOpen;
  let sharedCache: Probe | undefined;
  let backlog: (() => BacklogSize) | undefined;
  return {
    async report() {
      const [fromStore, fromEmbedder, fromCache] = await Promise.all([store(), embedder(), sharedCache?.()]);
      const checks = { store: fromStore, embedder: fromEmbedder };
      const failed = Object.values(checks).some((check) => check.status === 'failed');
      return {
        status: phase === 'running' ? (failed ? 'failed' : 'ok') : phase,
        version: sources.version,
        uptime_ms: Math.round(sources.clock.monotonicMs() - startedMs),
        checks,
        components: {
          embedding: componentOf(checks.embedder, sources.circuits.get('embedding')?.state),
          vector_db: componentOf(checks.store, sources.circuits.get('vector_db')?.state),
          ...(fromCache === undefined
            ? {}
            : { embedding_cache: dispensable(componentOf(fromCache, sources.circuits.get('embedding_cache')?.state)) }),
          ...(backlog === undefined ? {} : { embedding_backlog: backlogOf(backlog()) }),
        },
      };
    },
    async readiness() {
      if (phase === 'stopping') return { ready: false, reason: 'the server is shutting down' };
      const check = await store();
      return check.status === 'ok'
        ? { ready: true }
        : { ready: false, reason: `the store ${check.reason ?? 'failed'}` };
    },
    embedding(embedderAnswers, sharedCacheAnswers) {
      embedder = cachedProbe(sources.clock, EMBEDDER_CACHE_MS, embedderAnswers);
      if (sharedCacheAnswers !== undefined)
        sharedCache = cachedProbe(sources.clock, STORE_CACHE_MS, sharedCacheAnswers);
    },
    running(storeAnswers, backlogNow) {
      phase = 'running';
      backlog = backlogNow;
      store = cachedProbe(sources.clock, STORE_CACHE_MS, async () => {
        if (!(await storeAnswers())) throw new Error('no answer');
      });
    },
    stopping() {
      phase = 'stopping';
    },
  };
}

const STATUS_IN: Readonly<Record<CircuitState, ComponentStatus>> = {
  closed: 'healthy',
  half_open: 'degraded',
  open: 'unhealthy',
};

/** A check may be some seconds old; what the circuit says is of now. */
function componentOf({ status, reason }: CheckResult, state: CircuitState | undefined): Component {
  const ofCircuit = state === undefined ? 'healthy' : STATUS_IN[state];
  return {
    status: status === 'failed' ? 'unhealthy' : ofCircuit,
    ...(state === undefined ? {} : { state }),
    ...(reason === undefined ? {} : { reason }),
  };
}

/** Of what the server goes on without. */
function dispensable(component: Component): Component {
  return component.status === 'unhealthy' ? { ...component, status: 'degraded' } : component;
}

function backlogOf({ pending, refused }: BacklogSize): Component & BacklogSize {
  if (pending === 0) return { status: 'healthy', pending, refused };
  return { status: 'degraded', reason: `${pending} contexts wait for their vectors`, pending, refused };
}

type Probe = () => Promise<CheckResult>;

const notOpen: Probe = () => Promise.resolve({ status: 'failed', reason: 'is not open yet' });

/** Runs `probe` with a timeout; callers within `cacheMs` share one run. */
function cachedProbe(clock: Clock, cacheMs: number, probe: () => Promise<unknown>): Probe {
  let last: { readonly atMs: number; readonly result: Promise<CheckResult> } | undefined;
  return () => {
    const nowMs = clock.monotonicMs();
    if (last === undefined || nowMs - last.atMs >= cacheMs) {
      last = { atMs: nowMs, result: runProbe(clock, probe) };
    }
    return last.result;
  };
}

async function runProbe(clock: Clock, probe: () => Promise<unknown>): Promise<CheckResult> {
  const timeout = Promise.withResolvers<CheckResult>();
  const cancel = clock.after(PROBE_TIMEOUT_MS, () =>
    timeout.resolve({ status: 'failed', reason: `did not answer within ${PROBE_TIMEOUT_MS} ms` }),
  );
  const answer = Promise.resolve()
    .then(probe)
    .then(
      (): CheckResult => ({ status: 'ok' }),
      // The error's own words may hold paths and addresses; they are in the log.
      (): CheckResult => ({ status: 'failed', reason: 'did not answer' }),
    );
  try {
    return await Promise.race([answer, timeout.promise]);
  } finally {
    cancel();
  }
}

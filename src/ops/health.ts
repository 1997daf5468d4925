import type { Clock } from '../base/clock.ts';

export interface HealthSources {
  /** True where the store answers; may hang where it does not. */
  readonly storeAnswers: () => Promise<boolean>;
  /** Embeds one short text; rejects where the model cannot be reached. */
  readonly embedderAnswers: () => Promise<unknown>;
  readonly clock: Clock;
  readonly version: string;
}

export interface CheckResult {
  readonly status: 'ok' | 'failed';
  readonly reason?: string;
}

export interface HealthReport {
  readonly status: 'ok' | 'failed' | 'stopping';
  readonly version: string;
  readonly uptime_ms: number;
  readonly checks: { readonly store: CheckResult; readonly embedder: CheckResult };
}

export interface Readiness {
  readonly ready: boolean;
  /** Why it is not. */
  readonly reason?: string;
}

export interface Health {
  report(): Promise<HealthReport>;
  readiness(): Promise<Readiness>;
  /** From now on not ready: the server is going away. */
  stopping(): void;
}

const PROBE_TIMEOUT_MS = 1000;
/** Probes come from several places at once; the backends are asked once in this time. */
const PROBE_CACHE_MS = 1000;

/** Asks the backends, with a timeout, at most once a second. */
export function createHealth(sources: HealthSources): Health {
  const startedMs = sources.clock.monotonicMs();
  let stopping = false;
  const store = cachedProbe(sources.clock, async () => {
    if (!(await sources.storeAnswers())) throw new Error('no answer');
  });
  const embedder = cachedProbe(sources.clock, sources.embedderAnswers);
  return {
    async report() {
      const checks = { store: await store(), embedder: await embedder() };
      const failed = Object.values(checks).some((check) => check.status === 'failed');
      return {
        status: stopping ? 'stopping' : failed ? 'failed' : 'ok',
        version: sources.version,
        uptime_ms: Math.round(sources.clock.monotonicMs() - startedMs),
        checks,
      };
    },
    async readiness() {
      if (stopping) return { ready: false, reason: 'the server is shutting down' };
      const check = await store();
      return check.status === 'ok' ? { ready: true } : { ready: false, reason: `the store ${check.reason ?? 'failed'}` };
    },
    stopping() {
      stopping = true;
    },
  };
}

/** Runs `probe` with a timeout; callers within `PROBE_CACHE_MS` share one run. */
function cachedProbe(clock: Clock, probe: () => Promise<unknown>): () => Promise<CheckResult> {
  let last: { readonly atMs: number; readonly result: Promise<CheckResult> } | undefined;
  return () => {
    const nowMs = clock.monotonicMs();
    if (last === undefined || nowMs - last.atMs >= PROBE_CACHE_MS) {
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

import type { CircuitState } from '../../base/resilience/circuit-breaker.ts';
import type { CheckResult } from './probe.ts';

/** `degraded`: works, and not as it should. */
export type ComponentStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface Component {
  readonly status: ComponentStatus;
  /** Absent: nothing is wrong. */
  readonly reason?: string;
  /** Of its circuit; absent: it has none, as it is asked within this process. */
  readonly state?: CircuitState;
  /** Figures of its own. */
  readonly [figure: string]: string | number | undefined;
}

export interface BacklogSize {
  /** It is still to be made. */
  readonly pending: number;
  /** The model makes none for their texts. */
  readonly refused: number;
}

export interface JobState {
  readonly name: string;
  /** Null: it has not ended once yet. */
  readonly lastOutcome: 'ok' | 'failed' | null;
}

const STATUS_IN: Readonly<Record<CircuitState, ComponentStatus>> = {
  closed: 'healthy',
  half_open: 'degraded',
  open: 'unhealthy',
};
/** The event loop is to hold nobody up for more than 20 ms: this is far beyond. */
const LATE_SECONDS = 0.25;
const VERY_LATE_SECONDS = 1;
const WORSE: readonly ComponentStatus[] = ['unhealthy', 'degraded'];

/** What the server does without for a while, and goes on. */
const DISPENSABLE: ReadonlySet<string> = new Set(['event_loop', 'jobs']);

/** A check may be some seconds old; what the circuit says is of now. */
export function ofCheck({ isWell, reason }: CheckResult, state: CircuitState | undefined): Component {
  const ofCircuit = state === undefined ? 'healthy' : STATUS_IN[state];
  return {
    status: isWell ? ofCircuit : 'unhealthy',
    ...(reason === undefined ? {} : { reason }),
    ...(state === undefined ? {} : { state }),
  };
}

/** Of what the server goes on without. */
export function dispensable(component: Component): Component {
  return component.status === 'unhealthy' ? { ...component, status: 'degraded' } : component;
}

/** `shared`: the check of the one that servers share; undefined: there is none. */
export function cacheOf(entries: number, shared: CheckResult | undefined, state: CircuitState | undefined): Component {
  const component: Component = shared === undefined ? { status: 'healthy' } : dispensable(ofCheck(shared, state));
  return { ...component, entries };
}

export function eventLoopOf(delaySeconds: number): Component {
  const delay_p99_ms = Math.round(delaySeconds * 1000);
  if (delaySeconds < LATE_SECONDS) return { status: 'healthy', delay_p99_ms };
  const status = delaySeconds < VERY_LATE_SECONDS ? 'degraded' : 'unhealthy';
  return { status, reason: `timers come ${delay_p99_ms} ms late`, delay_p99_ms };
}

export function jobsOf(jobs: readonly JobState[]): Component {
  const failing = jobs.filter(({ lastOutcome }) => lastOutcome === 'failed').map(({ name }) => name);
  if (failing.length === 0) return { status: 'healthy', failing: 0 };
  return { status: 'degraded', reason: `failed at their last turn: ${failing.join(', ')}`, failing: failing.length };
}

/** `failing`: those that died again and again of late. */
export function threadsOf(failing: readonly string[]): Component {
  if (failing.length === 0) return { status: 'healthy', failing: 0 };
  const reason = `threads die again and again: ${failing.join(', ')}`;
  return { status: 'unhealthy', reason, failing: failing.length };
}

/** Of a store whose files this server writes. */
export interface EncryptionState {
  /** Tells keys apart, and nothing about them; null: nothing is sealed. */
  readonly keyId: string | null;
  /** While what was stored before is sealed with it. */
  readonly resealing: { readonly done: number; readonly total: number } | null;
}

export function encryptionOf({ keyId, resealing }: EncryptionState): Component {
  const mode = keyId === null ? { mode: 'off' } : { mode: 'aes-256-gcm', key_id: keyId };
  if (resealing === null) return { status: 'healthy', ...mode };
  const { done, total } = resealing;
  return { status: 'degraded', reason: 'what is stored is being sealed anew', ...mode, resealed: done, of: total };
}

export function backlogOf({ pending, refused }: BacklogSize): Component {
  if (pending === 0) return { status: 'healthy', pending, refused };
  return { status: 'degraded', reason: `${pending} contexts wait for their vectors`, pending, refused };
}

/** Of vectors that are made anew by a newer version of the local embedder, while those of before answer. */
export interface UpgradeState {
  /** `ready`: the next start takes the new vectors. `failed`: it tries again. */
  readonly phase: 'running' | 'ready' | 'failed';
  /** Contexts that were looked at, of so many. */
  readonly looked: number;
  readonly total: number;
}

export function upgradeOf({ phase, looked, total }: UpgradeState): Component {
  const reasons = {
    running: `vectors are made anew, ${looked} of ${total} contexts; those of before answer`,
    ready: 'new vectors are made, and the next start takes them; those of before answer',
    failed: 'vectors could not be made anew (see the log), and the next start tries again; those of before answer',
  };
  return { status: 'degraded', reason: reasons[phase], looked, total };
}

/** It listens; what its upstreams answer is their owners' to mend, and makes the server no worse. */
export function gatewayOf({ inFlight, upstream }: { readonly inFlight: number; readonly upstream: string }): Component {
  return { status: 'healthy', in_flight: inFlight, upstream };
}

/** Of all; what the server goes on without makes it no worse than `degraded`. */
export function worst(components: Readonly<Record<string, Component>>): ComponentStatus {
  const statuses = Object.entries(components).map(
    ([name, component]) => (DISPENSABLE.has(name) ? dispensable(component) : component).status,
  );
  return WORSE.find((status) => statuses.includes(status)) ?? 'healthy';
}

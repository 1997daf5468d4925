import type { Duplex } from 'node:stream';
import { noAudit, type Audit } from '../../api/audit.ts';
import type { Gate } from '../../api/gate.ts';
import { REVOKED_GRACE_MS } from '../../api/principal.ts';
import type { RequestBudget } from '../../api/request-budget.ts';
import type { KeyRing } from '../../api/key-ring.ts';
import type { TokenBucket } from '../../base/token-bucket.ts';
import type { Clock } from '../../base/clock.ts';
import type { FailedLogins } from '../../base/failed-logins.ts';
import { LineRate } from '../../base/line-rate.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Random } from '../../base/random.ts';
import type { Validators } from '../../protocol/messages.ts';
import { Connection, type ConnectionDeps } from './connection.ts';
import { Dispatcher } from './dispatcher.ts';
import type { ServerLimits } from './limits.ts';

export interface ConnectionHandlerDeps {
  readonly gate: Gate;
  readonly keys: KeyRing;
  /** Shared with the other doors. */
  readonly budget: RequestBudget;
  /** Shared with the other doors. */
  readonly failedLogins: FailedLogins;
  readonly validators: Validators;
  readonly limits: ServerLimits;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent: nothing is written down. */
  readonly audit?: Audit;
  /** Of this server, told in `hello`. */
  readonly version: string;
}

/** Connections looked after in one pass are pinged so many at a time, with a pause between, so that ten thousand idle ones never hold the loop. */
const SWEEP_SLICE_SENDS = 64;
const SWEEP_PAUSE_MS = 5;
const SWEEP_INTERVAL_MS_MAX = 500;
const SWEEP_INTERVAL_MS_MIN = 5;

/** Serves the wire protocol on any number of streams, with one timer for all of them. */
export class ConnectionHandler {
  readonly #gate: Gate;
  readonly #deps: ConnectionDeps;
  readonly #connections = new Set<Connection>();
  readonly #stopSweeping: () => void;
  #sweep: Iterator<Connection> | null = null;
  #accepted = 0;
  #stopped: Promise<void> | null = null;
  #whenEmpty: (() => void) | null = null;
  #cancelSecondLook: () => void = () => undefined;

  constructor(deps: ConnectionHandlerDeps) {
    const { gate, limits, clock, metrics } = deps;
    this.#gate = gate;
    this.#deps = { ...deps, audit: deps.audit ?? noAudit, rate: new LineRate(clock), dispatcher: new Dispatcher(deps) };
    gate.countConnections(() => this.#connections.size);
    metrics.gauge('active_connections', () => this.#connections.size);
    this.#stopSweeping = clock.every(sweepIntervalMs(limits), () => this.#startSweep());
  }

  get activeConnections(): number {
    return this.#connections.size;
  }

  /**
   * Speaks the protocol on `duplex` until it is closed. Half-open streams get the replies they wait for.
   * `addressBucket`: gives that of where it comes from; null: no limit.
   */
  handle(duplex: Duplex, addressBucket: () => TokenBucket | null = () => null): void {
    this.#accepted += 1;
    const { remoteAddress: address } = duplex as Duplex & { readonly remoteAddress?: string };
    const from = { number: this.#accepted, address, addressBucket };
    const connection = new Connection(duplex, from, this.#deps, (closed) => this.#forget(closed));
    this.#connections.add(connection);
    this.#deps.metrics.count('connections_total');
    connection.start();
    if (this.#stopped !== null) connection.goAway(0);
  }

  /** Counts a stream that was turned away before it came here. */
  refused(): void {
    this.#deps.metrics.count('connections_refused_total');
  }

  /** Connections whose key is revoked are ended now, and what still ran for them then when their grace is over. */
  keysChanged(): void {
    this.#cancelSecondLook();
    this.#lookAtAll();
    this.#cancelSecondLook = this.#deps.clock.after(REVOKED_GRACE_MS, () => this.#lookAtAll());
  }

  /**
   * Section 3: says goaway, refuses new requests, lets what is in flight finish. Resolves when every
   * connection is closed; those still open after `deadlineMs` are cut off. A second call waits for the first.
   */
  stop(deadlineMs: number): Promise<void> {
    this.#stopped ??= this.#stop(deadlineMs);
    return this.#stopped;
  }

  async #stop(deadlineMs: number): Promise<void> {
    const empty = new Promise<void>((resolve) => {
      this.#whenEmpty = resolve;
    });
    this.#gate.shutDown();
    const cancelDeadline = this.#deps.clock.after(deadlineMs, () => this.#cutOff());
    for (const connection of this.#connections) connection.goAway(deadlineMs);
    if (this.#connections.size > 0) await empty;
    cancelDeadline();
    this.#stopSweeping();
    this.#cancelSecondLook();
    this.#sweep = null;
  }

  #cutOff(): void {
    if (this.#connections.size > 0) {
      this.#deps.log.warn({ connections: this.#connections.size }, 'connections cut off at the shutdown deadline');
    }
    for (const connection of this.#connections) connection.destroy();
  }

  #forget(connection: Connection): void {
    this.#connections.delete(connection);
    if (this.#connections.size === 0) this.#whenEmpty?.();
  }

  /** Also at those that a pass under way has left behind. */
  #lookAtAll(): void {
    const isUnderWay = this.#sweep !== null;
    this.#sweep = this.#connections.values();
    if (!isUnderWay) this.#continueSweep();
  }

  #startSweep(): void {
    if (this.#sweep !== null) return;
    this.#sweep = this.#connections.values();
    this.#continueSweep();
  }

  #continueSweep(): void {
    const nowMs = this.#deps.clock.monotonicMs();
    let sent = 0;
    while (this.#sweep !== null) {
      const next = this.#sweep.next();
      if (next.done === true) {
        this.#sweep = null;
      } else if (next.value.sweep(nowMs) && ++sent === SWEEP_SLICE_SENDS) {
        this.#deps.clock.after(SWEEP_PAUSE_MS, () => this.#continueSweep());
        return;
      }
    }
  }
}

/** Often enough that no limit in time is overdrawn by more than a tenth. */
function sweepIntervalMs(limits: ServerLimits): number {
  const shortestMs = Math.min(limits.authTimeoutMs, limits.heartbeatMs) / 10;
  return Math.max(SWEEP_INTERVAL_MS_MIN, Math.min(SWEEP_INTERVAL_MS_MAX, Math.floor(shortestMs)));
}

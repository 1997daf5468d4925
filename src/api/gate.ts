import type { Clock } from '../base/clock.ts';
import { CodedError, toCodedError } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Metrics } from '../base/metrics.ts';
import { RequestScope } from '../base/request-scope.ts';
import type { Circuits } from '../base/resilience/circuits.ts';
import type { Tracing } from '../base/tracing.ts';
import type { Memory } from '../hirag/types.ts';
import type { Validators } from '../protocol/messages.ts';
import { noAudit, type Audit } from './audit.ts';
import { Call } from './call.ts';
import type { JobsByHand, Origin, Services, Snapshots } from './handlers/handler.ts';
import { Answer, type Asker } from './asker.ts';
import type { GateRequest } from './gate-request.ts';
import type { TokenBucket } from '../base/token-bucket.ts';
import { HealthProbe } from './health-probe.ts';
import type { GateLimits } from './limits.ts';
import { enterNamespaces } from './namespace-gate.ts';
import { createOperations, type Operation } from './operations.ts';
import type { Principal } from './principal.ts';
import type { RecentError } from './recent-errors.ts';
import { RequestMonitor } from './request-monitor.ts';
import { SlowRequests } from './slow-requests.ts';
import { fieldsOf, type LedgerRequest } from './ledger-request.ts';
import { RequestLedger } from './request-ledger.ts';
import { validTraceparent } from './trace-context.ts';

export interface GateDeps {
  readonly memory: Memory;
  readonly jobs: JobsByHand;
  readonly snapshots: Snapshots;
  readonly circuits: Circuits;
  readonly validators: Validators;
  readonly limits: GateLimits;
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Absent: nothing is written down. */
  readonly audit?: Audit;
  /** A request that takes so long is logged, with its stages; 0 or absent: none is. */
  readonly slowRequestMs?: number;
  /** Absent: nobody is told. */
  readonly tracing?: Tracing | undefined;
}

/** What a door refused by itself, before there was a request to hand in. */
export interface TurnedAway {
  /** Undefined: not readable. */
  readonly type: string | undefined;
  readonly origin: Origin;
  readonly traceparent: unknown;
  readonly principal?: Principal | undefined;
  /** On the monotonic clock. */
  readonly startedMs: number;
}

/** Told with `OVERLOADED`: about as long as the requests ahead take. */
const OVERLOAD_RETRY_MS = 250;

/**
 * The one gate that every door leads to: whatever a request must pass before its handler runs, it passes here, and
 * every request is counted once, by its outcome. It knows no socket, no frame and no envelope.
 */
export class Gate {
  readonly #deps: GateDeps;
  readonly #operations = createOperations();
  readonly #services: Services;
  readonly #ledger: RequestLedger;
  #maxInFlightTotal: number;
  readonly #monitor: RequestMonitor;
  readonly #slow: SlowRequests;
  #running = 0;
  #shuttingDown = false;
  #connections: () => number = () => 0;

  constructor(deps: GateDeps) {
    const { memory, jobs, snapshots, circuits, limits, clock, log, metrics } = deps;
    this.#deps = deps;
    this.#maxInFlightTotal = limits.maxInFlightTotal;
    this.#monitor = new RequestMonitor(clock);
    this.#slow = new SlowRequests(deps.slowRequestMs ?? 0);
    const shown = { slow: this.#slow, monitor: this.#monitor };
    this.#ledger = new RequestLedger({ clock, log, metrics, audit: deps.audit ?? noAudit, ...shown });
    const health = new HealthProbe(() => memory.healthy(), clock);
    this.#services = {
      memory,
      jobs,
      snapshots,
      circuits,
      clock,
      startedMs: clock.monotonicMs(),
      healthy: () => health.healthy(),
      activeConnections: () => this.#connections(),
      ...shown,
      replyBytesMax: limits.replyBytesMax,
      listBytesMax: limits.listBytesMax,
      log,
    };
    metrics.gauge('requests_in_flight', () => this.#running);
  }

  /** The last first. */
  get recentErrors(): readonly RecentError[] {
    return this.#ledger.recentErrors.all;
  }

  /** From now on every new request is `SHUTTING_DOWN`, and none waits for others any more. */
  shutDown(): void {
    this.#shuttingDown = true;
    this.#monitor.close();
  }

  /** From the next request on. */
  change({ maxInFlightTotal, slowRequestMs }: { maxInFlightTotal: number; slowRequestMs: number }): void {
    this.#maxInFlightTotal = maxInFlightTotal;
    this.#slow.thresholdMs = slowRequestMs;
  }

  /** `read` says how many connections are open, as told in the reply to `ping`. */
  countConnections(read: () => number): void {
    this.#connections = read;
  }

  /** To be gone through, with pauses, before a request is handed in whose payload may be long: its check takes no time then. */
  payloadSlices(type: string, payload: object): Generator<void, void> {
    return this.#deps.validators.payloadSlices(type, payload);
  }

  /** Checks a request and answers it: at once where its handler can, else later. Throws or rejects with a `CodedError`. */
  run(request: GateRequest): object | Promise<object> {
    const answer = new Answer();
    this.serve(request, answer);
    return answer.outcome();
  }

  /**
   * The same for a door with books of its own: `asker` is told what becomes of the request, before this returns where
   * the handler can answer at once. Every refusal and every failure is counted and logged here, once.
   */
  serve(request: GateRequest, asker: Asker): void {
    const startedMs = request.startedMs ?? this.#deps.clock.monotonicMs();
    const operation = this.#operations.get(request.type);
    let admitted: Call | undefined;
    try {
      const call = this.#admit(operation, request, startedMs);
      admitted = call;
      const reply = this.#handle(call);
      if (reply instanceof Promise) {
        this.#running += 1;
        asker.started(call);
        void this.#settle(call, reply, asker);
      } else {
        asker.reply(reply);
        this.#ledger.answered(call, reply);
      }
    } catch (error) {
      const { origin, traceparent, principal, payload, bytes } = request;
      const record = admitted ?? { operation, origin, traceparent, principal, payload, bytes, startedMs };
      asker.refuse(this.#failed(record, error));
    }
  }

  /** Counts and logs what a door refused by itself; gives the error back as it is to be told. */
  turnedAway({ type, ...from }: TurnedAway, error: unknown): CodedError {
    return this.#failed({ operation: type === undefined ? undefined : this.#operations.get(type), ...from }, error);
  }

  /** Every check in turn, the cheap ones first; throws the first refusal. */
  #admit(operation: Operation | undefined, request: GateRequest, startedMs: number): Call {
    const { clock, validators } = this.#deps;
    const { principal, payload, deadlineAtMs = null } = request;
    if (this.#shuttingDown) throw new CodedError('SHUTTING_DOWN', 'the server is shutting down: connect elsewhere');
    const nowMs = clock.nowMs();
    const ended = principal.endedBecause(nowMs);
    if (ended !== null) throw new CodedError('AUTH_FAILED', ended);
    principal.use.asked(nowMs);
    takeFrom(request.addressBucket, 'address');
    takeFrom(principal.bucket, 'key');
    if (operation === undefined) throw new CodedError('UNKNOWN_TYPE', 'there is no request of this type');
    if (!principal.has(operation.scope))
      throw new CodedError('FORBIDDEN', `the key lacks the scope ${operation.scope}`);
    validators.payload(operation.type, payload);
    enterNamespaces(operation, payload, principal);
    if (deadlineAtMs !== null && startedMs >= deadlineAtMs) {
      throw new CodedError('DEADLINE_EXCEEDED', 'the deadline passed before the work was started');
    }
    if (operation.bounded && this.#running >= this.#maxInFlightTotal) {
      throw new CodedError('OVERLOADED', 'the server works on as many requests as it may', {
        retryAfterMs: OVERLOAD_RETRY_MS,
      });
    }
    const scope = operation.bounded ? this.#scopeOf(request) : null;
    return new Call(operation, request, startedMs, clock, scope);
  }

  #scopeOf({ type, payload, origin, traceparent }: GateRequest): RequestScope {
    const { clock, tracing } = this.#deps;
    const { namespace, id } = payload;
    const trace = tracing?.request({
      type,
      traceparent: validTraceparent(traceparent),
      namespace: typeof namespace === 'string' ? namespace : undefined,
      recordId: typeof id === 'string' ? id : undefined,
    });
    const scope: RequestScope = new RequestScope(
      clock,
      () => ({ ...fieldsOf({ origin, traceparent, scope }) }),
      trace ?? null,
    );
    return scope;
  }

  #handle(call: Call): object | Promise<object> {
    const { operation, request, scope } = call;
    if (scope === null) return operation.handle(request.payload, call, this.#services);
    return scope.run(() => operation.handle(request.payload, call, this.#services));
  }

  async #settle(call: Call, reply: Promise<object>, asker: Asker): Promise<void> {
    try {
      const payload = await reply;
      asker.reply(payload);
      this.#ledger.answered(call, payload);
    } catch (error) {
      asker.refuse(this.#failed(call, error));
    }
    this.#running -= 1;
    call.settle();
    asker.settled(call);
  }

  #failed(request: LedgerRequest, reason: unknown): CodedError {
    const error = toCodedError(reason);
    this.#ledger.failed(request, error);
    return error;
  }
}

/** Throws `RATE_LIMITED` where nothing is left. */
export function takeFrom(bucket: TokenBucket | null | undefined, whose: 'address' | 'key'): void {
  const retryAfterMs = bucket?.take() ?? 0;
  if (retryAfterMs > 0) throw new CodedError('RATE_LIMITED', `the ${whose} is over its rate`, { retryAfterMs });
}

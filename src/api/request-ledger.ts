import type { Clock } from '../base/clock.ts';
import type { CodedError, ErrorCode } from '../base/errors.ts';
import { LineRate } from '../base/line-rate.ts';
import type { Log } from '../base/log.ts';
import type { Labels, Metrics } from '../base/metrics.ts';
import type { RequestScope } from '../base/request-scope.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { Audit } from './audit.ts';
import { auditedNamespaces } from './audited-namespaces.ts';
import type { Origin } from './handlers/handler.ts';
import type { Operation } from './operations.ts';
import type { Principal } from './principal.ts';
import { traceIdOf } from './trace-context.ts';

/** What a type that is not in the table counts as: labels never come from a client. */
const UNKNOWN_TYPE = 'unknown';

export interface LedgerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly audit: Audit;
  /** A request that takes so long is told of, with its stages; 0: none is. */
  readonly slowMs: number;
}

/** A request as far as it came. */
export interface LedgerRequest {
  /** Undefined: of a type that is not in the table, or not readable. */
  readonly operation: Operation | undefined;
  readonly origin: Origin;
  /** As the client sent it. */
  readonly traceparent?: unknown;
  /** Undefined: turned away by its door. */
  readonly principal?: Principal | undefined;
  readonly payload?: BodyMap | undefined;
  /** On the monotonic clock. */
  readonly startedMs: number;
  /** Undefined or null: it was not worked on, or takes no time. */
  readonly scope?: RequestScope | null | undefined;
}

/** What the lines of a request have in common. */
export function fieldsOf({
  origin,
  traceparent,
  scope,
}: Pick<LedgerRequest, 'origin' | 'traceparent' | 'scope'>): object {
  const trace = traceIdOf(traceparent) ?? scope?.trace?.traceId;
  return trace === undefined ? origin : { ...origin, trace_id: trace };
}

/** Counts every request once, by type and outcome, and logs those that failed or took long: never a payload. */
export class RequestLedger {
  readonly #deps: LedgerDeps;
  readonly #rate: LineRate;
  /** One object per combination, so that none is made for a request and the metrics can know them again. */
  readonly #outcomeLabels = new Map<string, Map<string, Labels>>();
  readonly #typeLabels = new Map<string, Labels>();

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
    this.#rate = new LineRate(deps.clock);
  }

  /** `reply`: for how many contexts are in it. */
  answered(request: LedgerRequest, reply: object): void {
    this.#done(request, 'ok');
    request.scope?.trace?.end('ok', recordsIn(reply));
  }

  failed(request: LedgerRequest, error: CodedError): void {
    const { log, metrics } = this.#deps;
    this.#done(request, error.code);
    request.scope?.trace?.end(error.code, undefined);
    metrics.count('errors_total', { code: error.code });
    const type = request.operation?.type ?? UNKNOWN_TYPE;
    const fields = { ...fieldsOf(request), type, code: error.code };
    if (error.code !== 'INTERNAL' && !isOurs(error.code)) return log.debug(fields, 'request refused');
    const passed = this.#rate.pass(error.code);
    if (passed === null) return;
    if (error.code === 'INTERNAL') log.error({ ...fields, ...passed, error: error.cause ?? error }, 'request failed');
    else log.warn({ ...fields, ...passed, reason: reasonOf(error) }, 'request failed');
  }

  #done(request: LedgerRequest, outcome: string): void {
    const { clock, metrics, slowMs } = this.#deps;
    const type = request.operation?.type ?? UNKNOWN_TYPE;
    const tookMs = clock.monotonicMs() - request.startedMs;
    metrics.count('requests_total', this.#labels(type, outcome));
    metrics.observe('request_duration_seconds', tookMs / 1000, this.#durationLabels(type));
    if (slowMs > 0 && tookMs >= slowMs) this.#tellSlow(request, outcome, tookMs);
    this.#audit(request, outcome);
  }

  #tellSlow(request: LedgerRequest, outcome: string, tookMs: number): void {
    const passed = this.#rate.pass('slow');
    if (passed === null) return;
    const stages = Object.entries(request.scope?.stagesMs ?? {}).map(([name, ms]) => [name, rounded(ms)]);
    this.#deps.log.warn(
      {
        ...fieldsOf(request),
        ...passed,
        type: request.operation?.type ?? UNKNOWN_TYPE,
        outcome,
        took_ms: rounded(tookMs),
        stages_ms: Object.fromEntries(stages) as object,
      },
      'slow request',
    );
  }

  #audit(request: LedgerRequest, outcome: string): void {
    const { audit } = this.#deps;
    const { operation, principal, payload } = request;
    if (principal === undefined || operation === undefined) return;
    // Who tries what is not his is of interest whatever it is.
    if (!audit.wants(outcome === 'FORBIDDEN' ? 'admin' : operation.scope)) return;
    audit.note({
      key: principal.keyId,
      type: operation.type,
      namespaces: auditedNamespaces(operation, payload),
      outcome,
      from: fieldsOf(request) as Readonly<Record<string, unknown>>,
    });
  }

  #labels(type: string, outcome: string): Labels {
    let ofType = this.#outcomeLabels.get(type);
    if (ofType === undefined) this.#outcomeLabels.set(type, (ofType = new Map<string, Labels>()));
    let labels = ofType.get(outcome);
    if (labels === undefined) ofType.set(outcome, (labels = { type, outcome }));
    return labels;
  }

  #durationLabels(type: string): Labels {
    let labels = this.#typeLabels.get(type);
    if (labels === undefined) {
      labels = { type };
      this.#typeLabels.set(type, labels);
    }
    return labels;
  }
}

/** Failures of what stands behind the server: the operator wants to know, whoever asked. */
function isOurs(code: ErrorCode): boolean {
  return code === 'STORE_UNAVAILABLE' || code === 'EMBEDDING_UNAVAILABLE' || code === 'OVERLOADED';
}

function reasonOf(error: CodedError): string {
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message;
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

/** Contexts that a reply is about; undefined: it is about none. */
function recordsIn(reply: object): number | undefined {
  const { contexts, results, deleted, context, id } = reply as Readonly<Record<string, unknown>>;
  if (Array.isArray(contexts)) return contexts.length;
  if (Array.isArray(results)) return results.length;
  if (typeof deleted === 'number') return deleted;
  return context === undefined && id === undefined ? undefined : 1;
}

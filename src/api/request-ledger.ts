import type { Clock } from '../base/clock.ts';
import type { CodedError, ErrorCode } from '../base/errors.ts';
import { LineRate } from '../base/line-rate.ts';
import type { Log } from '../base/log.ts';
import type { Labels, Metrics } from '../base/metrics.ts';
import type { SlowRequest } from '../protocol/messages.generated.ts';
import type { Audit } from './audit.ts';
import { auditedNamespaces } from './audited-namespaces.ts';
import { fieldsOf, type LedgerRequest } from './ledger-request.ts';
import { RecentErrors } from './recent-errors.ts';
import { monitoredRequest, slowRequest } from './request-facts.ts';
import type { RequestMonitor } from './request-monitor.ts';
import type { SlowRequests } from './slow-requests.ts';

/** What a type that is not in the table counts as: labels never come from a client. */
const UNKNOWN_TYPE = 'unknown';

export interface LedgerDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly audit: Audit;
  /** Takes those that are as slow as it says, which are logged with their stages, too. */
  readonly slow: SlowRequests;
  readonly monitor: RequestMonitor;
}

/** Counts every request once, by type and outcome, and logs those that failed or took long: never a payload. */
export class RequestLedger {
  readonly #deps: LedgerDeps;
  readonly #rate: LineRate;
  readonly recentErrors = new RecentErrors();
  /** One object per combination, so that none is made for a request and the metrics can know them again. */
  readonly #outcomeLabels = new Map<string, Map<string, Labels>>();
  readonly #typeLabels = new Map<string, Labels>();

  constructor(deps: LedgerDeps) {
    this.#deps = deps;
    this.#rate = new LineRate(deps.clock);
  }

  /** `reply`: for how many contexts are in it. */
  answered(request: LedgerRequest, reply: object): void {
    const records = recordsIn(reply);
    this.#done(request, 'ok', records);
    request.scope?.trace?.end('ok', records);
  }

  failed(request: LedgerRequest, error: CodedError): void {
    const { clock, log, metrics } = this.#deps;
    this.#done(request, error.code, undefined);
    request.scope?.trace?.end(error.code, undefined);
    metrics.count('errors_total', { code: error.code });
    const type = request.operation?.type ?? UNKNOWN_TYPE;
    const { code } = error;
    this.recentErrors.note({ atMs: clock.nowMs(), code, type, requestId: request.origin.request });
    const fields = { ...fieldsOf(request), type, code };
    if (error.code !== 'INTERNAL' && !isOurs(error.code)) return log.debug(fields, 'request refused');
    const passed = this.#rate.pass(error.code);
    if (passed === null) return;
    if (error.code === 'INTERNAL') log.error({ ...fields, ...passed, error: error.cause ?? error }, 'request failed');
    else log.warn({ ...fields, ...passed, reason: reasonOf(error) }, 'request failed');
  }

  #done(request: LedgerRequest, outcome: string, records: number | undefined): void {
    const { clock, metrics, slow, monitor } = this.#deps;
    const type = request.operation?.type ?? UNKNOWN_TYPE;
    metrics.count('requests_total', this.#labels(type, outcome));
    this.#audit(request, outcome);
    // What waits says nothing of the server by how long it takes, and whoever watches does not watch himself.
    if (request.operation?.waits === true) return;
    const tookMs = clock.monotonicMs() - request.startedMs;
    metrics.observe('request_duration_seconds', tookMs / 1000, this.#durationLabels(type));
    const isWatched = monitor.count();
    const isSlow = slow.thresholdMs > 0 && tookMs >= slow.thresholdMs;
    if (!isWatched && !isSlow) return;
    const ending = { atMs: clock.nowMs(), type, outcome, tookMs, records };
    if (isWatched) monitor.note(monitoredRequest(request, ending));
    if (isSlow) this.#tellSlow(request, slowRequest(request, ending));
  }

  #tellSlow(request: LedgerRequest, entry: SlowRequest): void {
    this.#deps.slow.note(entry);
    const passed = this.#rate.pass('slow');
    if (passed === null) return;
    const { type, outcome, duration_ms, stages_ms } = entry;
    const fields = { ...fieldsOf(request), ...passed, type, outcome, took_ms: duration_ms, stages_ms };
    this.#deps.log.warn(fields, 'slow request');
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

/** Contexts that a reply is about; undefined: it is about none. */
function recordsIn(reply: object): number | undefined {
  const { contexts, results, deleted, context, id } = reply as Readonly<Record<string, unknown>>;
  if (Array.isArray(contexts)) return contexts.length;
  if (Array.isArray(results)) return results.length;
  if (typeof deleted === 'number') return deleted;
  return context === undefined && id === undefined ? undefined : 1;
}

import type { Clock } from '../base/clock.ts';
import type { CodedError, ErrorCode } from '../base/errors.ts';
import type { Log } from '../base/log.ts';
import type { Labels, Metrics } from '../base/metrics.ts';
import type { RequestType } from '../protocol/messages.generated.ts';
import type { Origin } from './handlers/handler.ts';
import { validTraceparent } from './trace-context.ts';

/** What a type that is not in the table counts as: labels never come from a client. */
const UNKNOWN_TYPE = 'unknown';

export interface FailedRequest {
  /** Undefined: not in the table, or not readable. */
  readonly type: RequestType | undefined;
  readonly origin: Origin;
  /** As the client sent it. */
  readonly traceparent: unknown;
}

/** Counts every request once, by type and outcome, and logs those that failed: never a payload. */
export class RequestLedger {
  readonly #log: Log;
  readonly #metrics: Metrics;
  readonly #clock: Clock;
  /** One object per combination, so that none is made for a request and the metrics can know them again. */
  readonly #outcomeLabels = new Map<string, Map<string, Labels>>();
  readonly #typeLabels = new Map<string, Labels>();

  constructor(log: Log, metrics: Metrics, clock: Clock) {
    this.#log = log;
    this.#metrics = metrics;
    this.#clock = clock;
  }

  /** `startedMs`: monotonic. */
  answered(type: RequestType, startedMs: number): void {
    this.#count(type, 'ok', startedMs);
  }

  failed({ type, origin, traceparent }: FailedRequest, error: CodedError, startedMs: number): void {
    const known = type ?? UNKNOWN_TYPE;
    this.#count(known, error.code, startedMs);
    this.#metrics.count('errors_total', { code: error.code });
    const trace = validTraceparent(traceparent);
    const fields = {
      ...origin,
      type: known,
      code: error.code,
      ...(trace === undefined ? {} : { traceparent: trace }),
    };
    if (error.code === 'INTERNAL') this.#log.error({ ...fields, error: error.cause ?? error }, 'request failed');
    else if (isOurs(error.code)) this.#log.warn({ ...fields, reason: reasonOf(error) }, 'request failed');
    else this.#log.debug(fields, 'request refused');
  }

  #count(type: string, outcome: string, startedMs: number): void {
    this.#metrics.count('requests_total', this.#labels(type, outcome));
    this.#metrics.observe(
      'request_duration_seconds',
      (this.#clock.monotonicMs() - startedMs) / 1000,
      this.#durationLabels(type),
    );
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

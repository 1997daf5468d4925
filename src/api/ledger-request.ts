import type { RequestScope } from '../base/request-scope.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { Origin } from './handlers/handler.ts';
import type { Operation } from './operations.ts';
import type { Principal } from './principal.ts';
import { traceIdOf } from './trace-context.ts';

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
  /** Length of its body; undefined: its door knows none. */
  readonly bytes?: number | undefined;
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

/** W3C Trace Context, section 3.2: version, trace id, parent id, flags; ids of zeros and version ff are none. */
const TRACEPARENT = /^(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;
const TRACE_ID = { from: 3, to: 35 };

/** A request's `traceparent` where it has the standard's shape, as anything else may hold what must not be logged. */
export function validTraceparent(value: unknown): string | undefined {
  return typeof value === 'string' && TRACEPARENT.test(value) ? value : undefined;
}

/** Of a `traceparent` as the client sent it. */
export function traceIdOf(traceparent: unknown): string | undefined {
  return validTraceparent(traceparent)?.slice(TRACE_ID.from, TRACE_ID.to);
}

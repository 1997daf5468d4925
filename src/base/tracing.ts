/** One stage of a request. */
export interface StageTrace {
  end(hasFailed: boolean): void;
}

/** One request, from the gate to its reply. */
export interface RequestTrace {
  /** 32 hex digits. */
  readonly traceId: string;
  stage(name: string): StageTrace;
  /** `outcome`: `ok` or an error code. `records`: contexts that were stored, found or deleted. */
  end(outcome: string, records: number | undefined): void;
}

export interface TracedRequest {
  readonly type: string;
  /** W3C Trace Context, checked; undefined: a trace begins here. */
  readonly traceparent: string | undefined;
  readonly namespace: string | undefined;
  /** Of the one context that it is about. */
  readonly recordId: string | undefined;
}

/** Tells others what a request did and how long each part of it took. Never a text. */
export interface Tracing {
  request(about: TracedRequest): RequestTrace;
}

/** What such an error is called, to clients and in the metrics, and its status. */
const STATUSES = {
  NO_UPSTREAM: 503,
  UPSTREAM_UNREACHABLE: 502,
  UPSTREAM_TIMEOUT: 504,
} as const;

export type HttpFaultCode = keyof typeof STATUSES;

/** An error of what stands behind the gateway, which HTTP has a status for and the wire no code. */
export class HttpFault extends Error {
  readonly code: HttpFaultCode;

  /** `message` is told to the client: no internals, no texts, no secrets. */
  constructor(code: HttpFaultCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'HttpFault';
    this.code = code;
  }

  get status(): number {
    return STATUSES[this.code];
  }
}

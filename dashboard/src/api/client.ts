/** What went wrong, as the server or the browser told it. */
export class RequestError extends Error {
  readonly code: string;
  /** Null: it says nothing of when to try again. */
  readonly retryAfterMs: number | null;
  /** What is wrong with which field of a request. */
  readonly fields: readonly { readonly field: string; readonly reason: string }[];

  constructor(code: string, message: string, more: { retryAfterMs?: number; fields?: RequestError['fields'] } = {}) {
    super(message);
    this.code = code;
    this.retryAfterMs = more.retryAfterMs ?? null;
    this.fields = more.fields ?? [];
  }
}

interface ErrorReply {
  readonly error?: {
    readonly code?: string;
    readonly message?: string;
    readonly details?: { readonly fields?: RequestError['fields'] };
    readonly retry_after_ms?: number;
  };
}

/** A server that hangs is told of, and not waited for without end. */
const ANSWER_MS_MAX = 60_000;

/** Whom it concerns that a login has ended. */
let onLoggedOut: () => void = () => undefined;
export function whenLoggedOut(told: () => void): void {
  onLoggedOut = told;
}

/** Counts the changes between logged in and not: a refusal of what was asked before the last one says nothing of now. */
let era = 0;
export function loginChanged(): void {
  era++;
}

/**
 * JSON in, JSON out. Rejects with a `RequestError`, or with the signal's reason where it was aborted.
 */
export async function call<T>(
  method: 'GET' | 'POST',
  path: string,
  body?: object,
  signal: AbortSignal | null = null,
): Promise<T> {
  const askedIn = era;
  const limit = AbortSignal.timeout(ANSWER_MS_MAX);
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      signal: signal === null ? limit : AbortSignal.any([signal, limit]),
      credentials: 'same-origin',
      ...(body === undefined ? {} : { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    throw new RequestError('UNREACHABLE', 'the server does not answer');
  }
  const reply: unknown = await response.json().catch(() => undefined);
  if (signal?.aborted === true) throw signal.reason;
  if (limit.aborted) throw new RequestError('UNREACHABLE', 'the server does not answer');
  if (response.ok && reply !== undefined) return reply as T;
  if (response.status === 401 && path !== '/api/login' && askedIn === era) onLoggedOut();
  throw errorOf(response, reply as ErrorReply | undefined);
}

function errorOf(response: Response, reply: ErrorReply | undefined): RequestError {
  const { code, message, details, retry_after_ms: inBody } = reply?.error ?? {};
  const header = Number(response.headers.get('retry-after') ?? NaN);
  const retryAfterMs = inBody ?? (Number.isFinite(header) ? header * 1000 : undefined);
  return new RequestError(
    code ?? (response.status === 401 ? 'AUTH_FAILED' : 'INTERNAL'),
    message ?? `the server answered with status ${response.status}`,
    {
      ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
      ...(Array.isArray(details?.fields) ? { fields: details.fields } : {}),
    },
  );
}

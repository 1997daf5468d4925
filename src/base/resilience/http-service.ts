// What every service that is asked over HTTP has in common: where it stands, what its statuses mean, how much of it is read.

import { CodedError, type ErrorCode, StartupError } from '../errors.ts';

/** Where requests go, and what opens the door. */
export interface HttpService {
  readonly endpoint: string;
  /** Sent as `Authorization: Bearer`. */
  readonly apiToken?: string | undefined;
  readonly fetch: typeof fetch;
}

/**
 * `base` with `suffix` (`/embeddings`) at the end of its path, where it is missing; a query string stays. Throws `StartupError`
 * that names `setting` where `base` is no URL.
 */
export function endpointOf(base: string, suffix: string, setting: string): string {
  if (!URL.canParse(base)) throw new StartupError(`\`${setting}\` is not a URL`, 'Write it as "https://host/v1".');
  const url = new URL(base);
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith(suffix) ? path : path + suffix;
  url.hash = '';
  return url.href;
}

export function postJson(service: HttpService, body: object, signal: AbortSignal): Promise<Response> {
  return service.fetch(service.endpoint, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(service.apiToken === undefined ? {} : { authorization: `Bearer ${service.apiToken}` }),
    },
    body: JSON.stringify(body),
    // A redirect could carry the token elsewhere.
    redirect: 'manual',
    signal,
  });
}

/** The body as text; null: it has more bytes, and the rest was not read. */
export async function readBounded(response: Response, bytesMax: number): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength;
    if (bytes > bytesMax) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

/** Of the statuses that blame the request, those that a later one need not meet: timeout, too early, too many. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);

/** Whether the same request may be answered later on. */
export function isPassingStatus(status: number): boolean {
  return status >= 500 || PASSING_STATUSES.has(status);
}

/** `Retry-After` (RFC 9110, section 10.2.3), seconds or a date, in milliseconds from now; undefined where it says nothing. */
export function retryAfterMsOf(header: string | null | undefined, nowMs: number): number | undefined {
  const value = header?.trim() ?? '';
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(waitMs) ? Math.max(0, Math.round(waitMs)) : undefined;
}

/** The settings of `section` to look at where a service answers with a status that blames the request. */
export function settingsBlamed(status: number, section: string): string {
  if (status === 401 || status === 403) return `${section}.api_token`;
  return status === 404 ? `${section}.api_url or ${section}.model` : `${section}.api_url`;
}

/** Whoever asks again gets the same, until the operator has changed a setting. */
export function misconfigured(code: ErrorCode, message: string, setting: string): CodedError {
  return new CodedError(code, `${message}; it will until ${setting} is set right`, { permanent: true });
}

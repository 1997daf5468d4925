// What the status of an embedding service means for those who wait for vectors.

import { badRequest, CodedError } from '../base/errors.ts';
import { PassingFault } from '../base/resilience/passing-fault.ts';
import type { EmbeddingKind } from './provider.ts';

/** The service refused what it was sent: one of its texts, most likely. */
export interface ServiceFault {
  readonly status: number;
}

/** What services answer to a text that is too long, empty to their tokenizer, or of characters that they cannot read. */
const TEXT_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);
/** Of the statuses that blame the request, those that a later one need not meet: timeout, too early, too many. */
const PASSING_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
const SETTINGS: Readonly<Record<number, string>> = {
  401: 'embedding.api_token',
  403: 'embedding.api_token',
  404: 'embedding.api_url or embedding.model',
  405: 'embedding.api_url',
};

/** The error of everybody who waits, or, where a text is at fault, what is known of it. */
export function faultOfStatus(status: number, retryAfterMs?: number): CodedError | ServiceFault {
  if (TEXT_STATUSES.has(status)) return { status };
  const message = `the embedding service answered with status ${status}`;
  if (status >= 500 || PASSING_STATUSES.has(status))
    return passing(message, retryAfterMs === undefined ? {} : { retryAfterMs });
  return misconfigured(message, SETTINGS[status] ?? 'embedding.api_url');
}

/** Whoever asks again gets the same, until the operator has changed a setting. */
export function misconfigured(message: string, setting: string): CodedError {
  return new CodedError('EMBEDDING_UNAVAILABLE', `${message}; it will until ${setting} is set right`, {
    permanent: true,
  });
}

/** The error of one text. Its code alone says that it is useless to send it again, as in a batch nothing else does. */
export function refusal(status: number, kind: EmbeddingKind): CodedError {
  const field = kind === 'query' ? '/query' : '/text';
  if (status !== 413) return badRequest(field, `is refused by the embedding service with status ${status}`);
  return tooLongFor('the embedding service', kind, ' (status 413)');
}

export function tooLongFor(whom: string, kind: EmbeddingKind, detail = ''): CodedError {
  const field = kind === 'query' ? '/query' : '/text';
  const reason = `is too long for ${whom}`;
  return new CodedError('PAYLOAD_TOO_LARGE', `${field} ${reason}${detail}`, {
    details: { fields: [{ field, reason }] },
  });
}

/** `Retry-After` (RFC 9110, section 10.2.3), seconds or a date, in milliseconds from now; undefined where it says nothing. */
export function retryAfterMsOf(header: string | null, nowMs: number): number | undefined {
  const value = header?.trim() ?? '';
  const waitMs = /^\d+$/.test(value) ? Number(value) * 1000 : Date.parse(value) - nowMs;
  return Number.isFinite(waitMs) ? Math.max(0, Math.round(waitMs)) : undefined;
}

/** `EMBEDDING_UNAVAILABLE` for a reason that a later attempt may not meet. */
export function passing(message: string, options: ConstructorParameters<typeof PassingFault>[2] = {}): PassingFault {
  return new PassingFault('EMBEDDING_UNAVAILABLE', message, options);
}

export function unavailable(message: string, cause?: unknown): CodedError {
  return new CodedError('EMBEDDING_UNAVAILABLE', message, cause === undefined ? {} : { cause });
}

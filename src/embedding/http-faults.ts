// What the status of an embedding service means for those who wait for vectors.

import { badRequest, CodedError } from '../base/errors.ts';
import {
  isPassingStatus,
  misconfigured as misconfiguredService,
  settingsBlamed,
} from '../base/resilience/http-service.ts';
import { PassingFault } from '../base/resilience/passing-fault.ts';
import type { EmbeddingKind } from './provider.ts';

/** The service refused what it was sent: one of its texts, most likely. */
export interface ServiceFault {
  readonly status: number;
}

/** What services answer to a text that is too long, empty to their tokenizer, or of characters that they cannot read. */
const TEXT_STATUSES: ReadonlySet<number> = new Set([400, 413, 422]);

/** The error of everybody who waits, or, where a text is at fault, what is known of it. */
export function faultOfStatus(status: number, retryAfterMs?: number): CodedError | ServiceFault {
  if (TEXT_STATUSES.has(status)) return { status };
  const message = `the embedding service answered with status ${status}`;
  if (isPassingStatus(status)) return passing(message, retryAfterMs === undefined ? {} : { retryAfterMs });
  return misconfigured(message, settingsBlamed(status, 'embedding'));
}

/** Whoever asks again gets the same, until the operator has changed a setting. */
export function misconfigured(message: string, setting: string): CodedError {
  return misconfiguredService('EMBEDDING_UNAVAILABLE', message, setting);
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

/** `EMBEDDING_UNAVAILABLE` for a reason that a later attempt may not meet. */
export function passing(message: string, options: ConstructorParameters<typeof PassingFault>[2] = {}): PassingFault {
  return new PassingFault('EMBEDDING_UNAVAILABLE', message, options);
}

export function unavailable(message: string, cause?: unknown): CodedError {
  return new CodedError('EMBEDDING_UNAVAILABLE', message, cause === undefined ? {} : { cause });
}

import { messageRule } from '../../../src/protocol/message-table.ts';
import type { Random } from '../../../src/base/random.ts';
import type { ContextManagerError } from './errors.ts';

/** An endless deadline does not mean endless attempts. */
export const FAILURES_MAX = 30;

/**
 * Whether a request may be made again although the first one may have been done, as the table of messages says:
 * - reads;
 * - stores, whose ids were made before the first attempt: storing the same text under the same id twice is one store;
 * - a delete by id: what is gone stays gone (the second reply counts 0).
 * Not so: an update (it would count a version more, or undo another's change), a delete by filter and the admin
 * requests (they would also hit what came in between). These are repeated only where the first one never left,
 * or where the server said that nothing was done.
 */
export function isRetrySafe(type: string, payload: object): boolean {
  const rule = messageRule(type);
  if (rule === undefined || rule.repeat === 'never') return false;
  if (rule.repeat === 'always') return true;
  const field = rule.items ?? rule.ids_in;
  if (field === undefined) return hasId(payload);
  const items = (payload as Readonly<Record<string, unknown>>)[field];
  return Array.isArray(items) && items.every(hasId);
}

function hasId(payload: unknown): boolean {
  return typeof (payload as { id?: unknown } | null | undefined)?.id === 'string';
}

export interface BackoffOptions {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The pause after `failures` failures (from 1): doubled each time, capped, and then 50 to 100 % of it at random. */
export function backoffMs({ minMs, maxMs }: BackoffOptions, failures: number, random: Random): number {
  const full = Math.min(maxMs, minMs * 2 ** Math.min(failures - 1, 30));
  const [byte = 0] = random.bytes(1);
  return Math.ceil(full * (0.5 + byte / 510));
}

/** Codes with which a server refuses a connection for good: trying again changes nothing until somebody changes something. */
const REFUSALS = new Set([
  'AUTH_FAILED',
  'UNSUPPORTED_PROTOCOL',
  'TIMESTAMP_OUT_OF_RANGE',
  'BAD_REQUEST',
  'PROTOCOL_ERROR',
  'FRAME_TOO_LARGE',
]);

export function isRefusal(error: ContextManagerError): boolean {
  return REFUSALS.has(error.code);
}

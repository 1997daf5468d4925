import type { Context, ReplyPayloads, RequestPayloads } from '../../../src/protocol/messages.generated.ts';
import { call } from './client.ts';

type Readable = 'context.get' | 'context.list' | 'context.query' | 'namespace.list';

/** One request of the wire protocol that reads, as the key that is logged in. */
export function ask<T extends Readable>(
  type: T,
  payload: RequestPayloads[T],
  signal: AbortSignal | null = null,
): Promise<ReplyPayloads[T]> {
  return call('POST', `/api/request/${type}`, payload, signal);
}

export interface Neighbours {
  /** Oldest first. */
  readonly before: readonly Context[];
  readonly after: readonly Context[];
}

export function neighbours(namespace: string, id: string, signal: AbortSignal): Promise<Neighbours> {
  const query = new URLSearchParams({ namespace, id }).toString();
  return call('GET', `/api/neighbours?${query}`, undefined, signal);
}

export interface ListedKey {
  readonly id: string;
  readonly scopes: readonly string[];
  readonly namespaces: readonly string[];
  readonly not_after: number | null;
  readonly disabled: boolean;
  readonly secrets: number;
  readonly requests: number;
  readonly last_used_at: number | null;
  readonly rate_limit: { readonly per_second: number; readonly burst: number } | null;
}

export function keys(signal: AbortSignal): Promise<{ readonly keys: readonly ListedKey[] }> {
  return call('GET', '/api/keys', undefined, signal);
}

import type { ContextRecord } from '../base/context.ts';
import type { MovedContext } from '../store/store.ts';

/** Whose L1: contexts of a session, or those without one (`sessionId` null). */
export interface WorkingSetScope {
  readonly namespace: string;
  readonly agentId: string;
  readonly sessionId: string | null;
}

/** What an acknowledged write did to one context. */
export type Change =
  /** It is stored like this. `vector` null: as it was before. */
  | { readonly kind: 'stored'; readonly record: ContextRecord; readonly vector: Float32Array | null }
  /** It is in another level; all else is as it was. */
  | { readonly kind: 'moved'; readonly context: MovedContext }
  | { readonly kind: 'deleted'; readonly namespace: string; readonly id: string }
  /** More than is worth telling one by one. */
  | { readonly kind: 'bulk'; readonly namespace: string };

export type SingleChange = Exclude<Change, { kind: 'bulk' }>;

/** Announces a write to the working sets before it leaves, and tells them what came of it. */
export interface WriteTicket {
  /** Changes in the order in which the store made them. */
  commit(changes: readonly Change[]): void;
  /** The store's answer is an error: nobody knows whether the write was done. */
  fail(): void;
}

/** Lengths first, so that no choice of names makes two scopes one. */
export function scopeKey(scope: WorkingSetScope): string {
  const { namespace, agentId, sessionId } = scope;
  return `${namespace.length}:${namespace}${agentId.length}:${agentId}${sessionId === null ? '-' : `+${sessionId}`}`;
}

export function contextKey(namespace: string, id: string): string {
  return `${namespace}/${id}`;
}

export function contextKeyOf(change: SingleChange): string {
  return contextKey(namespaceOf(change), subjectOf(change).id);
}

export function namespaceOf(change: SingleChange): string {
  return subjectOf(change).namespace;
}

/** Whose the changed context is; null where the change does not say. */
export function scopeOf(change: SingleChange): WorkingSetScope | null {
  return change.kind === 'stored' ? change.record : change.kind === 'moved' ? change.context : null;
}

function subjectOf(change: SingleChange): { readonly namespace: string; readonly id: string } {
  return change.kind === 'stored' ? change.record : change.kind === 'moved' ? change.context : change;
}

/** No context has an empty id. */
export function bulkKey(namespace: string): string {
  return contextKey(namespace, '');
}

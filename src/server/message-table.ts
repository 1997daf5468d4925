import { HANDLERS } from '../handlers/handlers.ts';
import type { Handler, HandlerCall, Services } from '../handlers/handler.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { RequestType } from '../protocol/messages.generated.ts';
import { MESSAGES, type MessageRule, type Scope } from '../protocol/messages.ts';

/**
 * Where a request acts. `payload` and `items`: in the namespace that the payload, or each of its contexts,
 * names or leaves to the key. `payload_or_all`: the same, but left out by a key that sees all it means all.
 * `server`: on the whole server, for keys that see every namespace. `none`: nowhere.
 */
export type Reach = 'payload' | 'items' | 'payload_or_all' | 'server' | 'none';

/** One row of the gate: all that it must know of a request type. */
export interface MessageEntry {
  readonly type: RequestType;
  readonly scope: Scope | 'any';
  readonly reach: Reach;
  /** Counts against the bound of requests running; what touches no memory does not. */
  readonly bounded: boolean;
  readonly handle: (payload: BodyMap, call: HandlerCall, services: Services) => object | Promise<object>;
}

/** Requests whose reach is not what their rule in the protocol's table says. */
const SPECIAL_REACH: Partial<Record<RequestType, Reach>> = {
  'context.store_batch': 'items',
  stats: 'payload_or_all',
};

/** By request type: the protocol's rules and the handlers, put together once. */
export function createMessageTable(): ReadonlyMap<string, MessageEntry> {
  return new Map(MESSAGES.map((rule) => [rule.type, entry(rule)]));
}

function entry<T extends RequestType>(rule: MessageRule & { readonly type: T }): MessageEntry {
  const handler: Handler<T> = HANDLERS[rule.type];
  return {
    type: rule.type,
    scope: rule.scope,
    reach: SPECIAL_REACH[rule.type] ?? (rule.namespaced ? 'payload' : rule.scope === 'admin' ? 'server' : 'none'),
    bounded: rule.scope !== 'any',
    // The gate has checked the payload against this type's schema, and filled in its namespace.
    handle: handler as unknown as MessageEntry['handle'],
  };
}

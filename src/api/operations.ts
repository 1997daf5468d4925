import { HANDLERS } from './handlers/handlers.ts';
import type { Handler, HandlerCall, Services } from './handlers/handler.ts';
import type { BodyMap } from '../protocol/codec.ts';
import type { RequestType } from '../protocol/messages.generated.ts';
import { LIST_PAGE_BYTES_MAX } from '../store/store.ts';
import { MESSAGES, type MessageRule, type Scope } from '../protocol/messages.ts';

/**
 * Where a request acts. `payload` and `items`: in the namespace that the payload, or each of its contexts,
 * names or leaves to the key. `payload_or_all`: the same, but left out by a key that sees all it means all.
 * `server`: on the whole server, for keys that see every namespace. `none`: nowhere.
 */
export type Reach = 'payload' | 'items' | 'payload_or_all' | 'server' | 'none';

/** One row of the gate: all that it must know of a request type. */
export interface Operation {
  readonly type: RequestType;
  readonly scope: Scope | 'any';
  readonly reach: Reach;
  /** Counts against the bound of requests running; what touches no memory does not. */
  readonly bounded: boolean;
  /** What the reply is expected to weigh: the connection starts no more requests than it has room for. */
  readonly replyBytes: (payload: BodyMap) => number;
  readonly handle: (payload: BodyMap, call: HandlerCall, services: Services) => object | Promise<object>;
}

/** Requests whose reach is not what their rule in the protocol's table says. */
const SPECIAL_REACH: Partial<Record<RequestType, Reach>> = {
  'context.store_batch': 'items',
  stats: 'payload_or_all',
};

const KIB = 1024;

/** `bytes`, and so many more for each one that a payload's field counts (a list: its items); `unnamed` where it is left out. */
interface ReplyWeight {
  readonly bytes: number;
  readonly per?: readonly { readonly field: string; readonly bytes: number; readonly unnamed: number }[];
  readonly max?: number;
}

/**
 * Expected weight of replies. A context has at most 1 MiB of text but seldom more than a few KiB; a token is
 * about four bytes of text, and beside it a context has some hundred bytes of its own.
 */
const REPLY_BYTES: Readonly<Record<RequestType, ReplyWeight>> = {
  ping: { bytes: 0 },
  'context.store': { bytes: 256 },
  'context.store_batch': { bytes: 256, per: [{ field: 'contexts', bytes: 128, unnamed: 0 }] },
  'context.query': {
    bytes: 2 * KIB,
    per: [
      { field: 'max_tokens', bytes: 8, unnamed: 4_000 },
      { field: 'limit', bytes: 512, unnamed: 50 },
    ],
  },
  'context.get': { bytes: 64 * KIB },
  'context.update': { bytes: 64 * KIB },
  'context.delete': { bytes: 128 },
  'context.list': { bytes: 256, per: [{ field: 'limit', bytes: 64 * KIB, unnamed: 100 }], max: LIST_PAGE_BYTES_MAX },
  'level.clear': { bytes: 128 },
  stats: { bytes: 2 * KIB },
  'admin.gc': { bytes: 128 },
  'admin.cache_clear': { bytes: 128 },
};

function replyBytesOf({ bytes, per = [], max = Number.MAX_SAFE_INTEGER }: ReplyWeight): (payload: BodyMap) => number {
  if (per.length === 0) return () => bytes;
  return (payload) => {
    let sum = bytes;
    for (const { field, bytes: each, unnamed } of per)
      sum += each * count(payload[field] as number | unknown[] | undefined, unnamed);
    return Math.min(sum, max);
  };
}

function count(value: number | unknown[] | undefined, unnamed: number): number {
  return value === undefined ? unnamed : typeof value === 'number' ? value : value.length;
}

/** By request type: the protocol's rules and the handlers, put together once. */
export function createOperations(): ReadonlyMap<string, Operation> {
  return new Map(MESSAGES.map((rule) => [rule.type, entry(rule)]));
}

function entry<T extends RequestType>(rule: MessageRule & { readonly type: T }): Operation {
  const handler: Handler<T> = HANDLERS[rule.type];
  return {
    type: rule.type,
    scope: rule.scope,
    reach: SPECIAL_REACH[rule.type] ?? (rule.namespaced ? 'payload' : rule.scope === 'admin' ? 'server' : 'none'),
    replyBytes: replyBytesOf(REPLY_BYTES[rule.type]),
    bounded: rule.scope !== 'any',
    // The gate has checked the payload against this type's schema, and filled in its namespace.
    handle: handler as unknown as Operation['handle'],
  };
}

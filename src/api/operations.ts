import type { Scope } from '../base/wire-names.ts';
import type { BodyMap } from '../protocol/codec.ts';
import { MESSAGES, type MessageRule, type Reach, type ReplyWeight } from '../protocol/message-table.ts';
import type { RequestType } from '../protocol/messages.generated.ts';
import { HANDLERS } from './handlers/handlers.ts';
import type { HandlerCall, Services } from './handlers/handler.ts';

/** One row of the gate: all that it must know of a request type. */
export interface Operation {
  readonly type: RequestType;
  readonly scope: Scope | 'any';
  readonly reach: Reach;
  /** The field whose items are each in a namespace, where `reach` is `items`. */
  readonly items: string | undefined;
  /** Counts against the bound of requests running; what touches no memory does not. */
  readonly bounded: boolean;
  /** What the reply is expected to weigh: the connection starts no more requests than it has room for. */
  readonly replyBytes: (payload: BodyMap) => number;
  /** Its reply waits until there is something to tell, or its client is gone. */
  readonly waits: boolean;
  readonly handle: (payload: BodyMap, call: HandlerCall, services: Services) => object | Promise<object>;
}

/** By request type: the protocol's table and the handlers, put together once. */
export function createOperations(): ReadonlyMap<string, Operation> {
  return new Map(MESSAGES.map((rule) => [rule.type, operation(rule)]));
}

function operation({
  type,
  scope,
  namespace,
  items,
  waits,
  reply,
}: MessageRule & { readonly type: RequestType }): Operation {
  return {
    type,
    scope,
    reach: namespace,
    items,
    bounded: scope !== 'any',
    replyBytes: replyBytesOf(reply),
    waits: waits ?? false,
    // The gate has checked the payload against this type's schema, and filled in its namespace.
    handle: HANDLERS[type] as unknown as Operation['handle'],
  };
}

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

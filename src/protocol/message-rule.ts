import type { Scope } from '../base/wire-names.ts';

/**
 * Where a request acts. `payload`: in the namespace that the payload names or leaves to the key. `items`: the same
 * for each item of a list. `payload_or_all`: as `payload`, but left out by a key that sees all it means all. `key`:
 * in each namespace that the key sees. `server`: on the whole server, for keys that see every namespace. `none`:
 * nowhere.
 */
export const REACHES = ['none', 'payload', 'payload_or_all', 'items', 'key', 'server'] as const;
export type Reach = (typeof REACHES)[number];

/**
 * Whether a client may make a request again when it cannot know whether it was done. `with_id`: where the payload, or
 * each of its items, has an id. `with_made_id`: the same, and the client makes ids that are missing.
 */
export const REPEATS = ['always', 'with_id', 'with_made_id', 'never'] as const;
export type Repeat = (typeof REPEATS)[number];

/** What a reply is expected to weigh, in bytes: `bytes`, and so many more for each one that a payload's field counts. */
export interface ReplyWeight {
  readonly bytes: number;
  /** A list counts its items; `unnamed` where the field is left out. */
  readonly per?: readonly { readonly field: string; readonly bytes: number; readonly unnamed: number }[];
  readonly max?: number;
}

/** A request of the protocol, as `proto-spec/messages.json` declares it. */
export interface MessageRule {
  readonly type: string;
  /** What the key must be allowed to do; `any`: every key. */
  readonly scope: Scope | 'any';
  readonly namespace: Reach;
  /** With `items`: the field that holds them. */
  readonly items?: string;
  /** The field whose items have the ids that `repeat` speaks of. */
  readonly ids_in?: string;
  readonly repeat: Repeat;
  /** Its reply waits until there is something to tell, or its client is gone. */
  readonly waits?: true;
  readonly reply: ReplyWeight;
  /** The SDK's. */
  readonly method: string;
}

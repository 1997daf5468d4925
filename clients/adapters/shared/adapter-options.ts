import type { Client } from '@context-manager/client';

/** Where an adapter keeps what it is given. */
export interface AdapterOptions {
  /** Connected, by `connect` of `@context-manager/client`; several adapters may share it, and who made it closes it. */
  readonly client: Client;
  /** Default: the client's own. */
  readonly namespace?: string;
  /** Whose contexts they are, 1 to 256 characters. Default: an agent of the framework's own, so that programs whose `sender` differs share a memory. */
  readonly agentId?: string;
}

/** For requests that go by id or by filter: agents are no part of them. */
export interface Place {
  readonly namespace?: string;
}

/** For what is stored, listed and asked. */
export interface Scope extends Place {
  readonly agent_id: string;
}

export function placeOf({ namespace }: AdapterOptions): Place {
  return namespace === undefined ? {} : { namespace };
}

export function scopeOf(options: AdapterOptions, agentIdDefault: string): Scope {
  return { agent_id: options.agentId ?? agentIdDefault, ...placeOf(options) };
}

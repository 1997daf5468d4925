import type { Methods } from './methods.generated.ts';
import type { PagedList } from './paged-list.ts';
import type { CallOptions, Input, ReplyOf } from './types.ts';

/** Whose session it is, where not the client's own. */
export interface SessionScope {
  /** Whose session it is. Default: the client's sender. */
  readonly agent_id?: string | undefined;
  /** Default: that of the client, else that of its key. */
  readonly namespace?: string | undefined;
}

type Rest<T extends 'session.window' | 'session.configure' | 'session.get' | 'session.reset'> = Omit<
  Input<T>,
  'session_id' | keyof SessionScope
>;
type NewMessage = Input<'session.append'>['messages'][number];

/** One session of an agent: its live conversation, and what to send to a model of it. */
export class Session {
  /** As it was given. */
  readonly id: string;
  readonly #client: Methods;
  readonly #named: SessionScope & { readonly session_id: string };

  /** @internal */
  constructor(client: Methods, id: string, scope: SessionScope) {
    this.id = id;
    this.#client = client;
    this.#named = { ...scope, session_id: id };
  }

  /** Appends one message, or several that stay together; durable when this resolves. */
  append(messages: NewMessage | readonly NewMessage[], options?: CallOptions): Promise<ReplyOf<'session.append'>> {
    const list = Array.isArray(messages) ? (messages as readonly NewMessage[]) : [messages as NewMessage];
    return this.#client.appendToSession({ ...this.#named, messages: list }, options);
  }

  /** What to send to a model now, never more than the window's `max_tokens`. */
  window(request: Rest<'session.window'> = {}, options?: CallOptions): Promise<ReplyOf<'session.window'>> {
    return this.#client.sessionWindow({ ...request, ...this.#named }, options);
  }

  /** Sets what holds for this session; what is left out stays. */
  configure(request: Rest<'session.configure'>, options?: CallOptions): Promise<ReplyOf<'session.configure'>> {
    return this.#client.configureSession({ ...request, ...this.#named }, options);
  }

  /** What the window lists; `NOT_FOUND` where nothing was appended or configured. */
  get(request: Rest<'session.get'> = {}, options?: CallOptions): Promise<ReplyOf<'session.get'>> {
    return this.#client.getSession({ ...request, ...this.#named }, options);
  }

  /** The messages that a card stands for, in order. */
  expand(cardId: string, options?: CallOptions): PagedList<'session.expand', 'messages'> {
    return this.#client.expandCard({ ...this.#named, card_id: cardId }, options);
  }

  /** Empties the window; with `forget` its contexts and cards are deleted, too. */
  reset(request: Rest<'session.reset'> = {}, options?: CallOptions): Promise<ReplyOf<'session.reset'>> {
    return this.#client.resetSession({ ...request, ...this.#named }, options);
  }
}

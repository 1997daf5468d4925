/// <reference lib="esnext.disposable" preserve="true" />
import { checkCloseOptions } from './arguments.ts';
import { atCallSite, captureCallSite, toClientError, type CallSite } from './errors.ts';
import type { ClientEventName, ClientListener, ListenerBook } from './events.ts';
import { Facts } from './facts.ts';
import { Methods } from './methods.generated.ts';
import type { Payloads } from './payloads.ts';
import type { Requester } from './requester.ts';
import { Session, type SessionScope } from './session.ts';
import type { CallOptions, CloseOptions, Input, PayloadOf, PingReply, ReplyOf, RequestType } from './types.ts';

const NO_OPTIONS: CallOptions = {};
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * A connected client. Every method rejects with a `ContextManagerError`. Calls may be made at any time, many at
 * once: they share the connections, and wait for one while none is there.
 */
export class Client extends Methods {
  /** What is known of the world: `put`, `list`, `around`, `delete`. */
  readonly facts: Facts = new Facts(this);
  readonly #requester: Requester;
  readonly #payloads: Payloads;
  readonly #listeners: ListenerBook;

  /** @internal */
  constructor(requester: Requester, payloads: Payloads, listeners: ListenerBook) {
    super();
    this.#requester = requester;
    this.#payloads = payloads;
    this.#listeners = listeners;
  }

  /** Whether a connection is there that takes calls; false: calls wait for one, or `close` was called. */
  get isReady(): boolean {
    return this.#requester.isReady;
  }

  /** The namespaces that the key may use, as the server last said; `['*']` where it may use every one. */
  get namespaces(): readonly string[] {
    return this.#requester.namespaces;
  }

  /** Calls `listener` at each such event from now on. Throws `BAD_REQUEST` where there is no such event. */
  on<Name extends ClientEventName>(event: Name, listener: ClientListener<Name>): this {
    this.#listeners.add(event, listener, 'always');
    return this;
  }

  /** The same for the next such event alone. */
  once<Name extends ClientEventName>(event: Name, listener: ClientListener<Name>): this {
    this.#listeners.add(event, listener, 'once');
    return this;
  }

  /** Takes back one `on` or `once` of the same listener. */
  off<Name extends ClientEventName>(event: Name, listener: ClientListener<Name>): this {
    this.#listeners.remove(event, listener);
    return this;
  }

  /** How the server is. It is made often, so its stack is taken only where it fails: whoever awaits it is in it. */
  override async ping(options: CallOptions = NO_OPTIONS): Promise<PingReply> {
    try {
      return (await this.#requester.request('ping', {}, options, null)) as PingReply;
    } catch (error) {
      throw atCallSite(toClientError(error), captureCallSite());
    }
  }

  /** A session of the client's own agent, or of whom `scope` names. Nothing is asked before one of its methods is called. */
  session(id: string, scope: SessionScope = {}): Session {
    return new Session(this, id, scope);
  }

  /** Any request as it is: nothing is added to the payload, so a store without id is not repeated. */
  request<T extends string>(type: T, payload: PayloadOf<T>, options: CallOptions = NO_OPTIONS): Promise<ReplyOf<T>> {
    return this.#requester.request(type, payload, options, captureCallSite()) as Promise<ReplyOf<T>>;
  }

  /** Takes no more calls, waits for those under way, up to `timeoutMs`, and ends the connections. */
  async close(options: CloseOptions = {}): Promise<void> {
    checkCloseOptions(options);
    await this.#requester.close(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
  }

  /** What `await using` calls at the end of its block: `close()`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  protected override call<T extends RequestType>(
    type: T,
    request: Input<T>,
    options: CallOptions = NO_OPTIONS,
    site: CallSite,
  ): Promise<ReplyOf<T>> {
    const payload = this.#payloads.payload(type, request);
    return this.#requester.request(type, payload, options, site) as Promise<ReplyOf<T>>;
  }
}

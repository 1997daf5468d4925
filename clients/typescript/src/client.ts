import { checkCloseOptions } from './arguments.ts';
import { atCallSite, captureCallSite, toClientError, type CallSite } from './errors.ts';
import { Methods } from './methods.generated.ts';
import type { Payloads } from './payloads.ts';
import type { Requester } from './requester.ts';
import type { CallOptions, Input, PayloadOf, PingReply, ReplyOf, RequestType } from './types.ts';

const NO_OPTIONS: CallOptions = {};
const CLOSE_TIMEOUT_MS = 10_000;

/**
 * A connected client. Every method rejects with a `ContextManagerError`. Calls may be made at any time, many at
 * once: they share the connections, and wait for one while none is there.
 */
export class Client extends Methods {
  readonly #requester: Requester;
  readonly #payloads: Payloads;

  /** @internal */
  constructor(requester: Requester, payloads: Payloads) {
    super();
    this.#requester = requester;
    this.#payloads = payloads;
  }

  /** The namespaces that the key may use, as the server last said; `['*']` where it may use every one. */
  get namespaces(): readonly string[] {
    return this.#requester.namespaces;
  }

  /** How the server is. It is made often, so its stack is taken only where it fails: whoever awaits it is in it. */
  override async ping(options: CallOptions = NO_OPTIONS): Promise<PingReply> {
    try {
      return (await this.#requester.request('ping', {}, options, null)) as PingReply;
    } catch (error) {
      throw atCallSite(toClientError(error), captureCallSite());
    }
  }

  /** Any request as it is: nothing is added to the payload, so a store without id is not repeated. */
  request<T extends string>(type: T, payload: PayloadOf<T>, options: CallOptions = NO_OPTIONS): Promise<ReplyOf<T>> {
    return this.#requester.request(type, payload, options, captureCallSite()) as Promise<ReplyOf<T>>;
  }

  /** Takes no more calls, waits for those under way, up to `timeoutMs`, and ends the connections. */
  async close(options: { readonly timeoutMs?: number | undefined } = {}): Promise<void> {
    checkCloseOptions(options);
    await this.#requester.close(options.timeoutMs ?? CLOSE_TIMEOUT_MS);
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

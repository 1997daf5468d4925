import type { TokenBucket } from '../../base/token-bucket.ts';
import type { Asker } from '../../api/asker.ts';
import type { Call } from '../../api/call.ts';
import type { CodedError } from '../../base/errors.ts';
import type { Session } from './handshake.ts';

/** A request that is being worked on. */
export interface RunningRequest {
  readonly call: Call;
  /** What it weighs: its bytes, and something for each value and each context that they hold. */
  readonly requestBytes: number;
}

/** Who is at the other end of a connection. */
export type Peer = Pick<Requester, 'number' | 'address' | 'addressBucket'>;

/** A connection as its requests see it. */
export interface Requester {
  /** Its name in the log. */
  readonly number: number;
  /** Of the peer, as the system tells it; undefined: it has none. */
  readonly address: string | undefined;
  readonly session: Session;
  /** Gives that of the address that it is connected from; null: no limit. */
  readonly addressBucket: () => TokenBucket | null;
  /** It reads on, and sends what is answered. */
  isLive(): boolean;
  isRunning(id: number): boolean;
  started(id: number, running: RunningRequest): void;
  settled(id: number, running: RunningRequest): void;
  /** Throws a `CodedError` where the payload cannot be sent; `refuse` it then. */
  reply(id: number, payload: object): void;
  refuse(id: number, error: CodedError): void;
  /** The client answered a ping of the server's. */
  answered(): void;
  /** Ends the connection with an error. */
  fail(error: CodedError): void;
  /** The same when what runs is done; it takes no further request. */
  dismiss(error: CodedError): void;
}

/** Section 4: an answer where the request's id is known, else the end of the connection. */
export function refuse(from: Requester, id: number | null, error: CodedError): void {
  if (id === null) from.fail(error);
  else if (error.closesConnection) from.dismiss(error);
  else from.refuse(id, error);
}

/** One request of a connection, from its decoding to its reply. */
export class RequestAsker implements Asker {
  readonly #from: Requester;
  readonly #id: number;
  readonly #bytes: number;
  readonly #itemBytes: number;
  #running: RunningRequest | null = null;

  /** `bytes`: what it weighs beside `itemBytes` for each context of a batch. */
  constructor(from: Requester, id: number, bytes: number, itemBytes: number) {
    this.#from = from;
    this.#id = id;
    this.#bytes = bytes;
    this.#itemBytes = itemBytes;
  }

  started(call: Call): void {
    this.#running = { call, requestBytes: this.#bytes + this.#itemBytes * itemsOf(call) };
    this.#from.started(this.#id, this.#running);
  }

  reply(payload: object): void {
    this.#from.reply(this.#id, payload);
  }

  refuse(error: CodedError): void {
    refuse(this.#from, this.#id, error);
  }

  settled(): void {
    this.#from.settled(this.#id, this.#running!);
  }
}

/** How many contexts a request stores at once. */
function itemsOf({ operation, request }: Call): number {
  return operation.items === undefined ? 0 : (request.payload[operation.items] as readonly unknown[]).length;
}

import type {
  NewContext,
  ReplyPayloads,
  RequestPayloads,
  RequestType,
} from '../../../src/protocol/messages.generated.ts';

export type * from '../../../src/protocol/messages.generated.ts';

/** Fields that are undefined are as good as absent. */
type Loose<T> = { [K in keyof T]: undefined extends T[K] ? T[K] | undefined : T[K] };
/** ... and a vector may be given as numbers, or as the bytes of the wire. */
type Given<T> = T extends { embedding?: Uint8Array }
  ? Loose<Omit<T, 'embedding'>> & { readonly embedding?: Float32Array | Uint8Array | undefined }
  : Loose<T>;

/** `namespace` is for the contexts that name none. */
export interface StoreBatchRequest {
  readonly contexts: readonly StoreRequest[];
  readonly namespace?: string | undefined;
}

/** What the method of a request takes. */
export type Input<T extends RequestType> = T extends 'context.store_batch'
  ? StoreBatchRequest
  : Given<RequestPayloads[T]>;

/** A context to be stored. Without `id` the client makes one. */
export type StoreRequest = Given<NewContext>;
/** At least one of `query` and `embedding`. */
export type QueryRequest = Input<'context.query'>;
export type UpdateRequest = Input<'context.update'>;
export type DeleteRequest = Input<'context.delete'>;
export type GetRequest = Input<'context.get'>;
export type ListRequest = Input<'context.list'>;
export type ClearLevelRequest = Input<'level.clear'>;
export type StatsOptions = Input<'stats'>;

/** Type of a reply by that of its request; unknown for types of a later protocol. */
export type ReplyOf<T extends string> = T extends RequestType ? ReplyPayloads[T] : unknown;
export type PayloadOf<T extends string> = T extends RequestType ? RequestPayloads[T] : object;

/** How one call is made. */
export interface CallOptions {
  /** For everything: connecting, waiting, every attempt. Infinity: no end. Default: the client's. */
  readonly timeoutMs?: number | undefined;
  /** Ends the call with `ABORTED`; what the server is doing for it goes on. */
  readonly signal?: AbortSignal | undefined;
  /** W3C Trace Context, handed on to the server. */
  readonly traceparent?: string | undefined;
}

/** TLS around the protocol; PEM texts. */
export interface TlsOptions {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
  readonly serverName?: string;
  /** False: any certificate will do. Default true. */
  readonly rejectUnauthorized?: boolean;
}

/** One server, or several over the same memory; or a URL that names them, and perhaps key and secret. */
export type ConnectOptions = NamedServers | ByUrl;

export type NamedServers = HowToConnect & (OneServer | SeveralServers);

/** What is said beside the URL comes before what it says. */
export interface ByUrl extends Partial<HowToConnect> {
  /** `context-manager://[key[:secret]@]host[:port][,host[:port]...]`, key and secret percent-encoded. */
  readonly url: string;
  readonly host?: undefined;
  readonly port?: undefined;
  readonly addresses?: undefined;
}

export interface OneServer {
  readonly host: string;
  readonly port: number;
  readonly addresses?: undefined;
  readonly url?: undefined;
}

export interface SeveralServers {
  /** `host:port` each, tried in their order. */
  readonly addresses: readonly string[];
  readonly host?: undefined;
  readonly port?: undefined;
  readonly url?: undefined;
}

export interface HowToConnect {
  readonly keyId: string;
  /** At least 32 bytes; a string stands for its UTF-8 bytes. */
  readonly secret: string | Uint8Array;
  /** Who this is: the default of `agent_id`. Default: the key's id. */
  readonly sender?: string | undefined;
  /** For requests that name none. Default: the key's own. */
  readonly namespace?: string | undefined;
  /** Connections, up to 1,000; default 1. Requests of one connection are served in any order, those of several even more so. */
  readonly pool?: number | undefined;
  /** Of a call, unless it has its own; default 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Of one attempt to connect; default 10,000. */
  readonly connectTimeoutMs?: number | undefined;
  /** Calls in flight on one connection; default 256, which is the server's own limit. */
  readonly maxInFlight?: number | undefined;
  /** Calls that wait for a connection or their next attempt; default 10,000; one more is `QUEUE_FULL`. */
  readonly maxQueued?: number | undefined;
  /** First and longest pause between attempts; default 100 and 10,000, each time 50 to 100 % of it. */
  readonly backoff?: { readonly minMs: number; readonly maxMs: number } | undefined;
  /** `<name>/<version>` for the server's log. */
  readonly client?: string | undefined;
  readonly tls?: boolean | TlsOptions | undefined;
  /** Ends the attempt to connect. */
  readonly signal?: AbortSignal | undefined;
}

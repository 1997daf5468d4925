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
type Given<T> = T extends { embedding?: Uint8Array } ? Loose<Omit<T, 'embedding'>> & GivenEmbedding : Loose<T>;

interface GivenEmbedding {
  /**
   * A vector of the server's dimension, used in place of the one that the server makes of the text: as numbers, or as
   * bytes (float32 little-endian, 4 x dimension). Default: none.
   */
  readonly embedding?: Float32Array | readonly number[] | Uint8Array | undefined;
}

/** Contexts to be stored together; each has its own outcome. */
export interface StoreBatchRequest {
  /** 1 to 1,000, together within the server's longest frame (10 MiB by default). */
  readonly contexts: readonly StoreRequest[];
  /** For those that name none. Default: the client's. */
  readonly namespace?: string | undefined;
}

/** What the method of a request takes. */
export type Input<T extends RequestType> = T extends 'context.store_batch'
  ? StoreBatchRequest
  : Given<RequestPayloads[T]>;

/** A context to be stored. Without `id` the client makes one. */
export type StoreRequest = Given<NewContext>;
/** A question: at least one of `query` and `embedding`. */
export type QueryRequest = Input<'context.query'>;
/** A change of a context: its `id`, and at least one field to change. */
export type UpdateRequest = Input<'context.update'>;
/** What is to be deleted: either `id` or `filter`. */
export type DeleteRequest = Input<'context.delete'>;
/** Which context. */
export type GetRequest = Input<'context.get'>;
/** Which contexts. */
export type ListRequest = Input<'context.list'>;
/** Which level. */
export type ClearLevelRequest = Input<'level.clear'>;
/** Which namespace. */
export type StatsOptions = Input<'stats'>;

/** Type of a reply by that of its request; unknown for types of a later protocol. */
export type ReplyOf<T extends string> = T extends RequestType ? ReplyPayloads[T] : unknown;
/** Payload of a request by its type; any map for types of a later protocol. */
export type PayloadOf<T extends string> = T extends RequestType ? RequestPayloads[T] : object;

/** How one call is made. */
export interface CallOptions {
  /**
   * Milliseconds for everything: connecting, waiting, every attempt. At least 0; `Infinity`: no end. Past it the call
   * rejects with `TIMEOUT`. Default: the client's `timeoutMs`.
   */
  readonly timeoutMs?: number | undefined;
  /** Ends the call with `ABORTED`; what the server is doing for it goes on. Default: none. */
  readonly signal?: AbortSignal | undefined;
  /** W3C Trace Context, handed on to the server; up to 256 characters. Default: none. */
  readonly traceparent?: string | undefined;
}

/** How a client ends. */
export interface CloseOptions {
  /** Milliseconds that calls under way are waited for; 0: not at all. Default: 10,000. */
  readonly timeoutMs?: number | undefined;
}

/** TLS around the protocol; certificates and keys are PEM. */
export interface TlsOptions {
  /** Authorities that are trusted, in place of those that Node knows. Default: those. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[] | undefined;
  /** The client's own certificate, for a server that asks for one. Default: none. */
  readonly cert?: string | Uint8Array | undefined;
  /** The private key of `cert`. */
  readonly key?: string | Uint8Array | undefined;
  /** What opens `key`, where it is encrypted. */
  readonly passphrase?: string | undefined;
  /** The name that the server's certificate must be for. Default: the host. */
  readonly serverName?: string | undefined;
  /** False: any certificate will do, so anyone can stand between. Default: true. */
  readonly rejectUnauthorized?: boolean | undefined;
}

/** Pauses between attempts: doubled each time, and then 50 to 100 % of it at random. */
export interface Backoff {
  /** The first, in milliseconds; at least 0. */
  readonly minMs: number;
  /** The longest, in milliseconds; at least `minMs`. */
  readonly maxMs: number;
}

/** One server, or several over the same memory; or a URL that names them, and perhaps key and secret. */
export type ConnectOptions = NamedServers | ByUrl;

/** One server by host and port, or several by their addresses. */
export type NamedServers = HowToConnect & (OneServer | SeveralServers);

/** What may stand beside a URL, and comes before what it says. */
export type BesideUrl = Partial<HowToConnect>;

/** What is said beside the URL comes before what it says. */
export interface ByUrl extends Partial<HowToConnect> {
  /**
   * `context-manager://[key[:secret]@]host[:port][,host[:port]...]`, key and secret percent-encoded. The key is
   * `default` and the port 7420 where none is named.
   */
  readonly url: string;
  /** Stands in the URL. */
  readonly host?: undefined;
  /** Stands in the URL. */
  readonly port?: undefined;
  /** Stand in the URL. */
  readonly addresses?: undefined;
}

/** Where the server is. */
export interface OneServer {
  /** A name, or an address: an IPv6 address without brackets. */
  readonly host: string;
  /** 1 to 65,535; a server listens on 7420 by default. */
  readonly port: number;
  /** In place of `host` and `port`. */
  readonly addresses?: undefined;
  /** In place of `host` and `port`. */
  readonly url?: undefined;
}

/** Where servers over the same memory are. */
export interface SeveralServers {
  /** 1 to 100 of `host:port`, an IPv6 address in brackets; tried in their order. */
  readonly addresses: readonly string[];
  /** Stands in `addresses`. */
  readonly host?: undefined;
  /** Stands in `addresses`. */
  readonly port?: undefined;
  /** In place of `addresses`. */
  readonly url?: undefined;
}

/** Who connects, and how. */
export interface HowToConnect {
  /** Id of the key, as the server's settings name it (`default` where they name none). 1 to 128 characters. */
  readonly keyId: string;
  /** That of the key: at least 32 bytes. A string stands for its UTF-8 bytes: trim what you read from a file. */
  readonly secret: string | Uint8Array;
  /** Who this is: the default of `agent_id`. 1 to 256 characters. Default: `keyId`. */
  readonly sender?: string | undefined;
  /** For requests that name none. Default: the one that the key has, or `default` for a key of every namespace. */
  readonly namespace?: string | undefined;
  /**
   * Connections, 1 to 1,000; each call takes the least busy one. Default: 1. Requests of one connection are served in
   * any order, those of several even more so.
   */
  readonly pool?: number | undefined;
  /** Milliseconds for a call that does not say it itself; at least 1, `Infinity`: no end. Default: 30,000. */
  readonly timeoutMs?: number | undefined;
  /** Milliseconds for one attempt to connect, at least 1. Default: 10,000, or `timeoutMs` where that is less. */
  readonly connectTimeoutMs?: number | undefined;
  /** Calls in flight on one connection, at least 1; more wait. Default: 256, which is the server's own limit. */
  readonly maxInFlight?: number | undefined;
  /** Calls that wait for a connection or for their next attempt; one more is `QUEUE_FULL`. Default: 10,000. */
  readonly maxQueued?: number | undefined;
  /** Pauses between attempts to connect, and between those of a call. Default: `{ minMs: 100, maxMs: 10_000 }`. */
  readonly backoff?: Backoff | undefined;
  /** `<name>/<version>` for the server's log, 1 to 128 characters. Default: that of this package. */
  readonly client?: string | undefined;
  /** TLS around the connection; true: with what Node trusts. Default: false. */
  readonly tls?: boolean | TlsOptions | undefined;
  /** Ends the attempt of `connect` with `ABORTED`; afterwards it does nothing. Default: none. */
  readonly signal?: AbortSignal | undefined;
}

import type { Log } from './log.ts';

/** What is asked of Redis. All of it rejects where Redis is away; replies may be as late as Redis is. */
export interface RedisConnection {
  /** One per key, in order; null where there is none. */
  getAll(keys: readonly string[]): Promise<readonly (Uint8Array | null)[]>;
  set(key: string, value: Buffer, ttlMs: number): Promise<unknown>;
  /** Everything whose key matches, in steps; not what is written meanwhile. */
  dropAll(pattern: string, signal?: AbortSignal): Promise<void>;
  /** What a Lua script returns, with its bulk strings as text. */
  evaluate(script: string, keys: readonly string[], args: readonly string[]): Promise<unknown>;
  ping(): Promise<unknown>;
  /** What came was no reply to what was asked: the connection is made anew. */
  reconnect(): void;
  close(): Promise<void>;
}

export interface RedisConnectionOptions {
  /** `redis://` or `rediss://`, checked by the settings; may hold a password. */
  readonly url: string;
  readonly log: Log;
  /** What happens without it, for the log: "texts are embedded without the shared cache". */
  readonly without: string;
}

const CONNECT_TIMEOUT_MS = 5_000;
/** A connection that brought nothing for so long is dead: a live one brings the answers to the pings. */
const SILENCE_MS_MAX = 6_000;
const PING_INTERVAL_MS = 2_000;
const RECONNECT_MS_MIN = 100;
const RECONNECT_MS_MAX = 5_000;
/** Commands without an answer; past it further ones are refused. A vector is one. */
const COMMANDS_MAX = 16_384;
const DROPPED_PER_STEP = 1_000;

/**
 * A connection that comes back by itself. It resolves at once: Redis may be away, now or later. The client is loaded here, as it
 * takes half a second and most servers have no Redis.
 */
export async function connectRedis({ url, log, without }: RedisConnectionOptions): Promise<RedisConnection> {
  const { createClient, ErrorReply, RESP_TYPES } = await import('@redis/client');
  const client = createClient({
    url,
    name: 'context-manager',
    disableOfflineQueue: true,
    commandsQueueMaxLength: COMMANDS_MAX,
    pingInterval: PING_INTERVAL_MS,
    socket: {
      connectTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: SILENCE_MS_MAX,
      reconnectStrategy: (retries) => Math.min(RECONNECT_MS_MAX, RECONNECT_MS_MIN * 2 ** Math.min(retries, 10)),
    },
  });
  const reconnect = (): void => {
    if (!client.isReady) return;
    client.destroy();
    client.connect().catch(() => undefined);
  };
  // One that goes on failing says so once, and again when it is back.
  let isTold = false;
  client.on('error', (error: unknown) => {
    if (!isTold) log.warn({ reason: reasonOf(error) }, `Redis is away: ${without}`);
    isTold = true;
    // What came was no reply. The client goes on reading, and every later reply would be taken for that to another command.
    if (!(error instanceof ErrorReply)) reconnect();
  });
  client.on('ready', () => {
    if (isTold) log.info({}, 'Redis answers again');
    isTold = false;
  });
  client.connect().catch(() => undefined);
  const bytes = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
  return {
    getAll: (keys) => bytes.mGet([...keys]),
    set: (key, value, ttlMs) => client.set(key, value, { expiration: { type: 'PX', value: ttlMs } }),
    async dropAll(pattern, signal) {
      for await (const keys of client.scanIterator({ MATCH: pattern, COUNT: DROPPED_PER_STEP })) {
        signal?.throwIfAborted();
        if (keys.length > 0) await client.unlink(keys);
      }
    },
    evaluate: (script, keys, args) => client.eval(script, { keys: [...keys], arguments: [...args] }),
    ping: () => client.ping(),
    reconnect,
    close() {
      client.destroy();
      return Promise.resolve();
    },
  };
}

/** No address, no command: either may hold what nobody should read. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown';
  const { code } = error as { code?: unknown };
  if (typeof code === 'string') return code;
  // Of Redis itself: its first word is the code, as in "WRONGPASS invalid username-password pair".
  return /^[A-Z]{3,}\b/.exec(error.message)?.[0] ?? error.constructor.name;
}

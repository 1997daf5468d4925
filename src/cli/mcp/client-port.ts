import { ContextManagerError, type Client } from '../../../clients/typescript/src/index.ts';
import type { MemoryPort } from '../../fronts/mcp/memory-port.ts';
import { messageRule } from '../../protocol/message-table.ts';
import type { ReplyPayloads, RequestPayloads, RequestType } from '../../protocol/messages.generated.ts';

/** A connected client, and how it is given up. */
export interface Link {
  readonly client: Client;
  close(): Promise<void>;
  /** Resolves when another link has to take its place; absent: the client mends its connections itself. */
  readonly lost?: Promise<void>;
}

const TIMEOUT_MS = 30_000;
/** While no connection is there: whoever asks is told so soon. */
const AWAY_TIMEOUT_MS = 3_000;

/** Asks over a client that is connected when it is needed: a server that is away is tried anew by every call. */
export class ClientPort implements MemoryPort {
  readonly #open: () => Promise<Link>;
  #link: Promise<Link> | undefined;
  #isClosed = false;

  constructor(open: () => Promise<Link>) {
    this.#open = open;
  }

  /** Connects ahead of the first call. What stands in the way is told to whoever calls. */
  warmUp(): void {
    this.#connected().catch(() => undefined);
  }

  async ask<T extends RequestType>(
    type: T,
    payload: RequestPayloads[T],
    signal?: AbortSignal,
  ): Promise<ReplyPayloads[T]> {
    const link = await this.#connected();
    try {
      return await request(link, type, payload, signal);
    } catch (error) {
      const isOver = this.#link === undefined && !this.#isClosed && !(signal?.aborted ?? false);
      if (!isOver || messageRule(type)?.repeat === 'never') throw error;
      return request(await this.#connected(), type, payload, signal);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    const link = await this.#link?.catch(() => undefined);
    await link?.close();
  }

  #connected(): Promise<Link> {
    const opening = (this.#link ??= this.#open());
    const forget = (): void => {
      if (this.#link === opening) this.#link = undefined;
    };
    opening.then(({ lost }) => lost?.then(forget), forget);
    return opening;
  }
}

async function request<T extends RequestType>(
  { client }: Link,
  type: T,
  payload: RequestPayloads[T],
  signal: AbortSignal | undefined,
): Promise<ReplyPayloads[T]> {
  const timeoutMs = client.isReady ? TIMEOUT_MS : AWAY_TIMEOUT_MS;
  try {
    return (await client.request<string>(type, payload, { timeoutMs, signal })) as ReplyPayloads[T];
  } catch (error) {
    const isAway = error instanceof ContextManagerError && error.code === 'TIMEOUT' && !client.isReady;
    throw isAway ? new ContextManagerError('CONNECTION_FAILED', error.message, { cause: error }) : error;
  }
}

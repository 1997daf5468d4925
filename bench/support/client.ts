import { connect, type Client } from '../../clients/typescript/src/index.ts';
import type { ServerProcess } from './server-process.ts';

export type { Client } from '../../clients/typescript/src/index.ts';

/** A connection of the SDK to a server of the bench; rejects where it cannot be made. */
export function connectTo(
  { host, port, secret }: Pick<ServerProcess, 'host' | 'port' | 'secret'>,
  options: { readonly timeoutMs?: number } = {},
): Promise<Client> {
  return connect({ host, port, keyId: 'default', secret, sender: 'bench', ...options });
}

export function connectMany(server: ServerProcess, count: number): Promise<Client[]> {
  return Promise.all(Array.from({ length: count }, () => connectTo(server)));
}

const BATCH = 250;
const BATCHES_IN_FLIGHT = 4;

export interface Loading {
  readonly namespace?: string;
  readonly count: number;
  readonly text: (position: number) => string;
  /** Absent: the server makes them. */
  readonly embedding?: (position: number) => Float32Array;
}

/**
 * Stores texts as long-term memory through batches and gives their ids, by position. All get one creation time,
 * so that recency ranks none before another.
 */
export async function loadTexts(
  client: Client,
  { namespace = 'default', count, text, embedding }: Loading,
): Promise<string[]> {
  const ids: string[] = [];
  const createdAt = Date.now();
  let next = 0;
  async function lane(): Promise<void> {
    while (next < count) {
      const from = next;
      next = Math.min(count, next + BATCH);
      const contexts = Array.from({ length: next - from }, (_, offset) => ({
        text: text(from + offset),
        level: 'long_term' as const,
        namespace,
        created_at: createdAt,
        ...(embedding === undefined ? {} : { embedding: embedding(from + offset) }),
      }));
      const { results } = await client.storeBatch({ contexts });
      for (const [offset, result] of results.entries()) {
        if ('error' in result) throw new Error(`a context was refused: ${result.error.code} ${result.error.message}`);
        ids[from + offset] = result.id;
      }
    }
  }
  await Promise.all(Array.from({ length: BATCHES_IN_FLIGHT }, lane));
  return ids;
}

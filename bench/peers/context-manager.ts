import { connectTo } from '../support/client.ts';
import { REST_MS, untilAtRest } from '../support/index-state.ts';
import { startServerProcess } from '../support/server-process.ts';
import { TOP, type Peer, type PeerOptions } from './peer.ts';

/** This server, by its defaults; one socket, as an agent's process has, over which requests need not wait for one another. */
export async function startContextManager({ dimension }: PeerOptions): Promise<Peer> {
  const server = await startServerProcess({ settings: { EMBEDDING__DIMENSION: String(dimension) } });
  const client = await connectTo(server);
  const createdAt = Date.now();
  return {
    settings: 'defaults; SDK over one socket',
    kinds: ['dense', 'hybrid'],
    pid: server.pid,
    async add(namespace, records) {
      const contexts = records.map(({ position, text, vector }) => ({
        text,
        level: 'long_term' as const,
        metadata: { position },
        created_at: createdAt,
        embedding: vector,
        namespace,
      }));
      const { results } = await client.storeBatch({ contexts });
      for (const result of results) if ('error' in result) throw new Error(result.error.message);
    },
    async untilIndexed() {
      await untilAtRest(server);
      return REST_MS;
    },
    async search(kind, namespace, { text, vector }) {
      const words = kind === 'hybrid' ? { query: text } : {};
      const answer = await client.query({
        ...words,
        embedding: vector,
        namespace,
        limit: TOP,
        relevance_threshold: 0,
      });
      return answer.contexts.map((context) => ({
        position: Number(context.metadata?.['position']),
        text: context.text,
      }));
    },
    async stop() {
      await client.close();
      await server.stop();
    },
  };
}

import { fromCounts } from './context-wire.ts';
import type { Handler } from './handler.ts';

/** Without a namespace: of all of them; the gate lets only keys through that see them all. */
export const stats: Handler<'stats'> = async ({ namespace }, call, { memory, clock, startedMs }) => {
  const { store, cache } = await memory.stats(namespace, call.options);
  return {
    counts: fromCounts(store.counts),
    cache: {
      embedding_entries: cache.embeddingEntries,
      embedding_hits: cache.embeddingHits,
      embedding_misses: cache.embeddingMisses,
    },
    store: store.driver,
    uptime_ms: Math.floor(clock.monotonicMs() - startedMs),
    ...(namespace === undefined ? {} : { namespace }),
  };
};

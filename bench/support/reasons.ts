/**
 * Why a target is missed, by the row's name: only what a profile (`--cpu-prof`) of the server showed,
 * with the share of time that it showed.
 */
export const REASONS: Readonly<Record<string, string>> = {
  'query.hybrid': 'one thread searches: 41 % HNSW, 22 % full vectors read from the database, 8 % messages; the main thread idles',
  'query.vector_recall': 'the HNSW parameters: 0.77 with m 16 and ef_search 128, 0.97 with m 32 and ef_search 448',
  'growth.query_p50': '41 % HNSW search, 22 % full vectors read from the database, which a small namespace has in memory',
  'mixed.query_p99': 'one thread reads and writes: 37 % exact vector scan, 19 % sorting for what overflows L2, 6 % fsync',
};

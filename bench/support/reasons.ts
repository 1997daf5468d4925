/**
 * Why a target is missed, by the row's name: only what a profile (`--cpu-prof`) of the server showed,
 * with the share of time that it showed, or what a row beside it shows.
 */
export const REASONS: Readonly<Record<string, string>> = {
  'python.ping':
    'at the edge: packing, signing and waking a caller take the interpreter more than twice the time that they take Node',
  'ping.64_in_flight': 'the client: against the bare one of the row below the same server does better, at half a core',
  'store.256_in_flight':
    'of what the store thread does, which is busy nearly all the time: 24 % text analysis, 23 % writing rows, 13 % commits, 10 % what overflows, 8 % checkpoints',
  'sizing.100000.memory_after_questions':
    'at the edge, runs differ by 25: of some 400 MiB Node itself is 56, the pages of the mapped index 51; what is garbage in the heaps of three threads goes once nobody asks',
  'sizing.100000.memory_in_use': 'as in memory_after_questions',
  'mixed.query_p99':
    'one thread reads and writes: 27 % comparing vectors, 9 % commits and checkpoints; in a full run the namespace grows from 10,000 to 30,000 meanwhile',
  'query.hybrid':
    'one thread searches; with 3,000 contexts 31 % HNSW, 25 % full vectors read from a file and scored, 13 % facts of candidates',
  'growth.query_p50':
    '40 % multiplying the question with all vectors, 13 % picking the likeliest, 11 % facts of candidates, 10 % words',
  'growth.memory_per_context.in_use':
    'what loading, and sixteen questions at a time, freed and the process keeps: the row in_use_restarted is the same server started again',
  'million.clustered.recall':
    'the index keeps as many candidates as find 0.97 of what its own 128 questions look for: the row as_measured',
  'million.words.indexed_after':
    'the hardest vectors there are: its threads fill both processors all the while (the row CPU)',
  'gateway.streamed.first_byte_p50.added':
    "the window of a session of twenty turns takes most of it: a query's search and texts, and before it the session and its messages",
  'gateway.streamed.completion_p50.added': 'as its first byte',
  'gateway.whole.first_byte_p50.added': 'as streamed',
  'gateway.whole.completion_p50.added': 'as streamed',
  'gateway.streamed.same_session.first_byte_p50.added':
    'as in turn, and 2 to 3 ms until the turn before is on disk, as whoever goes on is to find it',
  'gateway.streamed.same_session.completion_p50.added': 'as its first byte',
  'gateway.whole.same_session.first_byte_p50.added': 'as streamed',
  'gateway.whole.same_session.completion_p50.added': 'as streamed',
};

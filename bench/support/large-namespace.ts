import type { BareSearch, SearchParameters } from '../floors/bare-search.ts';
import { startChild, type Child } from './child-calls.ts';
import { type Client, connectTo, loadTexts } from './client.ts';
import { createCorpus, type Corpus } from './corpus.ts';
import { untilIndexed } from './index-state.ts';
import { readUsage } from './process-usage.ts';
import type { Bench } from './scenario.ts';
import { startServerProcess, type ServerProcess } from './server-process.ts';

const SEED = 3;
const QUERIES = 20_000;

/** One namespace with many contexts, in a server and in the floor beside it. */
export interface LargeNamespace {
  server: ServerProcess;
  readonly floor: Child<BareSearch>;
  readonly corpus: Corpus;
  readonly count: number;
  /** Ids that the server gave, by the text's position. */
  readonly ids: readonly string[];
  readonly queries: readonly string[];
  readonly settings: Readonly<Record<string, string>>;
  /** Of the server before it held anything, and after it was loaded and its index was built. */
  readonly emptyRssMib: number;
  readonly loadedRssMib: number;
  nextQuery: number;
}

/** Made once in a run: loading and indexing take most of the time of whatever measures it. */
export function largeNamespace(bench: Bench): Promise<LargeNamespace> {
  return bench.shared('large-namespace', async () => {
    const count = bench.quick ? 3_000 : 100_000;
    const settings: Record<string, string> = bench.quick ? { VECTOR_DB__INDEXING_THRESHOLD: '2000' } : {};
    const parameters = { seed: SEED, count, queries: bench.quick ? 300 : 2_000 };
    const corpus = createCorpus(SEED);
    const server = await startServerProcess({ settings });
    const emptyRssMib = readUsage(server.pid).rssMib;
    bench.note(`storing ${count} contexts`);
    const client = await connectTo(server);
    const ids = await loadTexts(client, { count, text: (position) => corpus.text(position) });
    bench.note('waiting for the index');
    await untilIndexed(server);
    const index = await indexOf(client);
    await client.close();
    const loadedRssMib = readUsage(server.pid).rssMib;
    bench.note('building the floor');
    const floor = startChild<BareSearch>(new URL('../floors/bare-search.ts', import.meta.url));
    await floor.call('build', { ...parameters, ...index });
    const queries = Array.from({ length: bench.quick ? 3_000 : QUERIES }, (_, number) => corpus.query(number, count));
    const value: LargeNamespace = {
      server,
      floor,
      corpus,
      count,
      ids,
      queries,
      settings,
      emptyRssMib,
      loadedRssMib,
      nextQuery: 0,
    };
    return { value, release: () => Promise.all([value.server.stop(), floor.stop()]) };
  });
}

/** What the server's index is built and searched with: the floor's has the same. */
async function indexOf(
  client: Client,
): Promise<Pick<SearchParameters, 'm' | 'efConstruction' | 'efSearch' | 'quantization'>> {
  const { store } = await client.stats({ namespace: 'default' });
  const number = (name: string): number => {
    const value = store[name];
    if (typeof value !== 'number') throw new Error(`the server tells no ${name}`);
    return value;
  };
  const { quantization } = store;
  if (quantization !== 'f32' && quantization !== 'bf16' && quantization !== 'i8')
    throw new Error('the server tells no quantization that the embedded store has');
  return {
    m: number('index_m'),
    efConstruction: number('index_ef_construction'),
    efSearch: number('index_ef_search'),
    quantization,
  };
}

/** A question that was not asked before, so that its embedding is in no cache. */
export function takeQuery(large: LargeNamespace): string {
  return large.queries[large.nextQuery++ % large.queries.length] ?? '';
}

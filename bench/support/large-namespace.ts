import type { BareSearch, SearchParameters } from '../floors/bare-search.ts';
import { loadConfig } from '../../src/config/load.ts';
import { nodeConfigFiles } from '../../src/config/node-files.ts';
import { startChild, type Child } from './child-calls.ts';
import { connectTo, loadTexts } from './client.ts';
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
    const parameters = { seed: SEED, count, queries: bench.quick ? 300 : 2_000, ...configuredIndex() };
    const corpus = createCorpus(SEED);
    const server = await startServerProcess({ settings });
    const emptyRssMib = readUsage(server.pid).rssMib;
    bench.note(`storing ${count} contexts`);
    const client = await connectTo(server);
    const ids = await loadTexts(client, { count, text: (position) => corpus.text(position) });
    bench.note('waiting for the index');
    await untilIndexed(server);
    await client.close();
    const loadedRssMib = readUsage(server.pid).rssMib;
    bench.note('building the floor');
    const floor = startChild<BareSearch>(new URL('../floors/bare-search.ts', import.meta.url));
    await floor.call('build', parameters);
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

/** The floor's index has the parameters that the server takes from the same environment. */
function configuredIndex(): Pick<SearchParameters, 'm' | 'efConstruction' | 'efSearch' | 'quantization'> {
  const { settings } = loadConfig({ environment: process.env, folder: process.cwd(), files: nodeConfigFiles });
  const { quantization, hnsw } = settings.vectorDb;
  if (quantization === 'binary' || quantization === 'product')
    throw new Error(`the embedded store has no ${quantization}`);
  return { ...hnsw, quantization };
}

/** A question that was not asked before, so that its embedding is in no cache. */
export function takeQuery(large: LargeNamespace): string {
  return large.queries[large.nextQuery++ % large.queries.length] ?? '';
}

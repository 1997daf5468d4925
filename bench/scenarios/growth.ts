import { connectTo, loadTexts, type Client } from '../support/client.ts';
import { removeSavedIndexes } from '../support/index-state.ts';
import { largeNamespace, takeQuery, type LargeNamespace } from '../support/large-namespace.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { readUsage } from '../support/process-usage.ts';
import { vectorRecall } from '../support/recall.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';
import { pairedRatio } from '../support/statistics.ts';

const SMALL = 1_000;
const TOP = 10;
const DIMENSION = 1_024;
const BYTES_PER_MIB = 1_048_576;
/** Per context, of its vector's and its text's bytes. */
const MEMORY_MAX = 1.6;

export const growth: Scenario = {
  name: 'growth',
  about: 'a query at 100,000 contexts against 1,000, memory per context, start-up with and without a saved index',
  fullDuration: '3 min, and 5 min to load where query did not run before',
  async run(bench) {
    const large = await largeNamespace(bench);
    const small = await smallServer(bench, large);
    return [...(await latencyAndMemoryInUse(bench, large, small)), ...(await memoryAndStartup(bench, large, small))];
  },
};

/** What the large one is compared with. */
interface SmallServer {
  readonly pid: number;
  readonly client: Client;
  readonly count: number;
}

async function smallServer(bench: Bench, large: LargeNamespace): Promise<SmallServer> {
  const count = bench.quick ? SMALL / 2 : SMALL;
  const server = await startServerProcess();
  bench.defer(() => server.stop());
  const client = await connectTo(server);
  bench.defer(() => client.close());
  await loadTexts(client, { count, text: (position) => large.corpus.text(position) });
  return { pid: server.pid, client, count };
}

/** One question after another. */
function ask(large: LargeNamespace, pid: number, client: Client, durationMs: number): Promise<Measured> {
  return measureLoad(pid, {
    inFlight: 1,
    durationMs,
    call: () => client.query({ query: takeQuery(large), limit: TOP }),
  });
}

async function latencyAndMemoryInUse(bench: Bench, large: LargeNamespace, small: SmallServer): Promise<Row[]> {
  const largeClient = await connectTo(large.server);
  const [rounds, durationMs] = bench.quick ? [3, 250] : [5, 3_000];
  const subjects = [
    () => ask(large, small.pid, small.client, durationMs),
    () => ask(large, large.server.pid, largeClient, durationMs),
  ];
  for (const subject of subjects) await subject();
  const [atSmall = [], atLarge = []] = await interleave(rounds, subjects);
  const memory = memoryInUse(bench, 'growth.memory_per_context.in_use', large, small);
  await largeClient.close();
  const p50 = row({
    name: sized(bench, 'growth.query_p50', `${small.count} to ${large.count} contexts`),
    value: detailsOf(atLarge).p50Ms,
    unit: 'ms',
    better: 'lower',
    floor: detailsOf(atSmall).p50Ms,
    ratio: pairedRatio(
      atLarge.map((round) => round.p50),
      atSmall.map((round) => round.p50),
    ),
    target: 4,
    details: detailsOf(atLarge),
  });
  return [p50, ...memory];
}

async function memoryAndStartup(bench: Bench, large: LargeNamespace, small: SmallServer): Promise<Row[]> {
  const quickSize = `${large.count} contexts`;
  // Over few contexts the heap's own growth is most of it: only the full size is held against the target.
  const loaded = { rssMib: large.loadedRssMib, beyondMib: large.emptyRssMib, contexts: large.count };
  const rows = [
    memoryRow(
      sized(bench, 'growth.memory_per_context', quickSize),
      large,
      loaded,
      bench.quick ? undefined : MEMORY_MAX,
    ),
  ];
  const saved = await restart(large);
  rows.push(startupRow(sized(bench, 'growth.startup_saved_index', quickSize), saved.firstAnswerMs, 3_000));
  await ask(large, large.server.pid, saved.client, bench.quick ? 250 : 5_000);
  rows.push(...memoryInUse(bench, 'growth.memory_per_context.in_use_restarted', large, small));
  await saved.client.close();

  const rebuilt = await restart(large, () => removeSavedIndexes(large.server.dataDir));
  rows.push(startupRow(sized(bench, 'growth.startup_without_index', quickSize), rebuilt.firstAnswerMs));
  const recall = await vectorRecall(large, rebuilt.client, bench.quick ? 10 : 20);
  rows.push(
    row({
      name: sized(bench, 'growth.recall_while_indexing', quickSize),
      value: recall,
      unit: 'share',
      better: 'higher',
      target: 1,
    }),
  );
  await rebuilt.client.close();
  return rows;
}

/** What the contexts take that the small server does not have. Both have been asked, and hold what searches need. */
function memoryInUse(bench: Bench, name: string, large: LargeNamespace, small: SmallServer): Row[] {
  // Over few contexts the heaps' own growth is all of it.
  if (bench.quick) return [];
  const taken = {
    rssMib: readUsage(large.server.pid).rssMib,
    beyondMib: readUsage(small.pid).rssMib,
    contexts: large.count - small.count,
  };
  return [memoryRow(name, large, taken, MEMORY_MAX)];
}

/** What `contexts` take: `rssMib`, without what a server has beside them. */
interface MemoryOf {
  readonly rssMib: number;
  readonly beyondMib: number;
  readonly contexts: number;
}

/** Against the context's vector and text. */
function memoryRow(
  name: string,
  large: LargeNamespace,
  { rssMib, beyondMib, contexts }: MemoryOf,
  target?: number,
): Row {
  const bytes = ((rssMib - beyondMib) * BYTES_PER_MIB) / contexts;
  const sample = large.corpus.texts(0, 1_000);
  const textBytes = sample.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / sample.length;
  return row({
    name,
    value: bytes,
    unit: 'bytes',
    better: 'lower',
    floor: DIMENSION * Float32Array.BYTES_PER_ELEMENT + textBytes,
    ...(target === undefined ? {} : { target }),
    details: { rssMib },
  });
}

function startupRow(name: string, ms: number, target?: number): Row {
  return row({ name, value: ms, unit: 'ms', better: 'lower', ...(target === undefined ? {} : { target }) });
}

/** Stops the server in good order and starts it on the same data; the time is from the start of the process to the first answer. */
async function restart(
  large: LargeNamespace,
  between?: () => Promise<void>,
): Promise<{ client: Client; firstAnswerMs: number }> {
  await large.server.stop({ keepData: true });
  await between?.();
  const startedMs = performance.now();
  large.server = await startServerProcess({ settings: large.settings, dataDir: large.server.dataDir });
  const client = await connectTo(large.server);
  const { contexts } = await client.query({ query: takeQuery(large), limit: TOP });
  const firstAnswerMs = performance.now() - startedMs;
  if (contexts.length === 0) throw new Error('the first answer after the start was empty');
  return { client, firstAnswerMs };
}

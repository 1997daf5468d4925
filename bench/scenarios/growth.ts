import { setTimeout as sleep } from 'node:timers/promises';
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
/** For the garbage of loading to be collected and given back. */
const SETTLE_MS = 5_000;

export const growth: Scenario = {
  name: 'growth',
  about: 'a query at 100,000 contexts against 1,000, memory per context, start-up with and without a saved index',
  fullDuration: '3 min, and 5 min to load where query did not run before',
  async run(bench) {
    const large = await largeNamespace(bench);
    return [...(await latencyAndMemoryInUse(bench, large)), ...(await memoryAndStartup(bench, large))];
  },
};

async function latencyAndMemoryInUse(bench: Bench, large: LargeNamespace): Promise<Row[]> {
  const smallCount = bench.quick ? SMALL / 2 : SMALL;
  const small = await startServerProcess();
  bench.defer(() => small.stop());
  const smallClient = await connectTo(small);
  bench.defer(() => smallClient.close());
  await loadTexts(smallClient, { count: smallCount, text: (position) => large.corpus.text(position) });
  const largeClient = await connectTo(large.server);
  const [rounds, durationMs] = bench.quick ? [3, 250] : [5, 3_000];
  const oneAtATime = (pid: number, client: Client) => (): Promise<Measured> =>
    measureLoad(pid, { inFlight: 1, durationMs, call: () => client.query({ query: takeQuery(large), limit: TOP }) });
  const subjects = [oneAtATime(small.pid, smallClient), oneAtATime(large.server.pid, largeClient)];
  for (const subject of subjects) await subject();
  const [atSmall = [], atLarge = []] = await interleave(rounds, subjects);
  const rssMib = readUsage(large.server.pid).rssMib;
  const memory = memoryRow(sized(bench, 'growth.memory_per_context.in_use', `${large.count} contexts`), large, {
    rssMib, beyondMib: readUsage(small.pid).rssMib, contexts: large.count - smallCount,
  }, bench.quick ? undefined : 1.6);
  await largeClient.close();
  const p50 = row({
    name: sized(bench, 'growth.query_p50', `${smallCount} to ${large.count} contexts`),
    value: detailsOf(atLarge).p50Ms,
    unit: 'ms',
    better: 'lower',
    floor: detailsOf(atSmall).p50Ms,
    ratio: pairedRatio(atLarge.map((round) => round.p50), atSmall.map((round) => round.p50)),
    target: 4,
    details: detailsOf(atLarge),
  });
  return [p50, memory];
}

async function memoryAndStartup(bench: Bench, large: LargeNamespace): Promise<Row[]> {
  const quickSize = `${large.count} contexts`;
  const memory = (name: string, rssMib: number, target?: number): Row =>
    memoryRow(sized(bench, name, quickSize), large, { rssMib, beyondMib: large.emptyRssMib, contexts: large.count }, target);
  // Over few contexts the heap's own growth is most of it: only the full size is held against the target.
  const rows = [memory('growth.memory_per_context', large.loadedRssMib, bench.quick ? undefined : 1.6)];
  const saved = await restart(large);
  rows.push(startupRow(sized(bench, 'growth.startup_saved_index', quickSize), saved.firstAnswerMs, 3_000));
  if (!bench.quick) await sleep(SETTLE_MS);
  rows.push(memory('growth.memory_per_context.restarted', readUsage(large.server.pid).rssMib));
  await saved.client.close();

  const rebuilt = await restart(large, () => removeSavedIndexes(large.server.dataDir));
  rows.push(startupRow(sized(bench, 'growth.startup_without_index', quickSize), rebuilt.firstAnswerMs));
  const recall = await vectorRecall(large, rebuilt.client, bench.quick ? 10 : 20);
  rows.push(row({ name: sized(bench, 'growth.recall_while_indexing', quickSize), value: recall, unit: 'share', better: 'higher', target: 1 }));
  await rebuilt.client.close();
  return rows;
}

/** What `contexts` take: `rssMib`, without what a server has beside them. */
interface MemoryOf {
  readonly rssMib: number;
  readonly beyondMib: number;
  readonly contexts: number;
}

/** Against the context's vector and text. */
function memoryRow(name: string, large: LargeNamespace, { rssMib, beyondMib, contexts }: MemoryOf, target?: number): Row {
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
async function restart(large: LargeNamespace, between?: () => Promise<void>): Promise<{ client: Client; firstAnswerMs: number }> {
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

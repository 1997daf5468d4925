import { type Client, connectTo, loadTexts } from '../support/client.ts';
import { createClusteredVectors } from '../support/clustered-vectors.ts';
import { createCorpus, type Corpus } from '../support/corpus.ts';
import { exactRecall } from '../support/exact-recall.ts';
import { type IndexInForce, untilAtRest, untilBetterIndex, untilIndexReady } from '../support/index-state.ts';
import { detailsOf, type Measured, measureLoad } from '../support/measured.ts';
import { cpuPercentBetween, readUsage } from '../support/process-usage.ts';
import { row, type Row, type RowInput } from '../support/report.ts';
import { type Bench, type Scenario, sized } from '../support/scenario.ts';
import { type ServerProcess, startServerProcess } from '../support/server-process.ts';

const SEED = 6;
const DIMENSION = 128;
const CHUNK = 50_000;
const TOP = 10;
const QUESTIONS = 200;
/** In a namespace beside the large one. */
const SMALL = { namespace: 'small', count: 1_000 };
/** The small one is asked so long after the large one. */
const BESIDE_AFTER_MS = 100;
/** For the first answer without a saved file, and for a machine that does something else for a while. */
const PATIENCE = { timeoutMs: 300_000 };
/** A graph with more links, where a million are better searched with it, begins five minutes after a start; then it is built. */
const LATER_MS_MAX = 1_200_000;
const SETTINGS = { EMBEDDING__DIMENSION: String(DIMENSION) };

/** Of a million contexts. */
const INDEXED_SECS_MAX = 300;
const FIRST_MS_MAX = 2_000;
const MIB_MAX = 8_192;
const RECALL_MIN = 0.97;

/** What is stored and asked. */
interface Contents {
  readonly name: string;
  readonly corpus: Corpus;
  readonly count: number;
  /** Of the contexts, and of `QUESTIONS` questions behind them, one after another; null: the server embeds the texts. */
  readonly vectors: Float32Array | null;
}

/** What the better index that takes the first one's place is like. */
interface LaterIndex {
  /** After the start before it. */
  readonly afterMs: number;
  readonly index: IndexInForce;
  readonly byVector: Measured;
  readonly recall: number;
}

export const million: Scenario = {
  name: 'million',
  about:
    `a million contexts with vectors of ${DIMENSION} numbers in one namespace: load, index, first questions after a start, memory; ` +
    'with clustered vectors, as models make them, which get a better index later, and with the hardest there are, of the spellings of words that mean nothing',
  fullDuration: '30 min',
  onRequest: true,
  async run(bench) {
    const count = bench.quick ? 20_000 : 1_000_000;
    const corpus = createCorpus(SEED);
    bench.note(`making ${count} vectors`);
    const clustered = createClusteredVectors(SEED, DIMENSION);
    const vectors = new Float32Array((count + QUESTIONS) * DIMENSION);
    for (let i = 0; i < count + QUESTIONS; i++) vectors.set(clustered.vector(i), i * DIMENSION);
    const rows = await measure(bench, { name: 'million.clustered', corpus, count, vectors });
    if (!bench.quick) rows.push(...(await measure(bench, { name: 'million.words', corpus, count, vectors: null })));
    return rows;
  },
};

async function measure(bench: Bench, contents: Contents): Promise<Row[]> {
  const { count, name, corpus } = contents;
  const questions = questionsAbout(contents);
  const note = (message: string): void => bench.note(`${name}: ${message}`);
  let server = await startServerProcess({ settings: SETTINGS });
  bench.defer(() => server.stop());
  let client = await connectTo(server, PATIENCE);
  bench.defer(() => client.close());
  await loadTexts(client, { ...SMALL, text: (position) => corpus.text(count + position) });
  let peakMib = 0;
  const look = (...mib: number[]): void => void (peakMib = Math.max(peakMib, readUsage(server.pid).rssMib, ...mib));

  const startedMs = performance.now();
  const ids = await store(client, contents, (stored) => {
    look();
    note(`${stored} stored, ${Math.round(peakMib)} MiB`);
  });
  const storedMs = performance.now();
  const usage = readUsage(server.pid);
  note('waiting for the index');
  const index = await untilIndexReady(client, count);
  const indexedMs = performance.now();
  const cpuPercent = cpuPercentBetween(usage, readUsage(server.pid));
  look();

  note('asking');
  await client.query(questions.byText());
  const durationMs = bench.quick ? 1_000 : 10_000;
  const ask = (call: () => Promise<unknown>): Promise<Measured> =>
    measureLoad(server.pid, { inFlight: 1, durationMs, call });
  const byText = await ask(() => client.query(questions.byText()));
  const byVector = await ask(() => client.query(questions.byVector()));
  const recall = contents.vectors === null ? null : await recallOf(client, contents.vectors, ids);
  look(byText.rssMib, byVector.rssMib);
  note('waiting until its columns are saved');
  await untilAtRest(server, async () => Number((await client.stats({})).store['saved_namespaces']) > 0);

  const restart = async (): Promise<ServerProcess> => {
    await client.close();
    await server.stop({ keepData: true });
    server = await startServerProcess({ settings: SETTINGS, dataDir: server.dataDir });
    client = await connectTo(server, PATIENCE);
    await untilAtRest(server);
    return server;
  };
  note('starting anew');
  const { startupMs } = await restart();
  const first = elapsedMs(() => client.query(questions.byText()));
  await new Promise((done) => setTimeout(done, BESIDE_AFTER_MS));
  const besideMs = await elapsedMs(() => client.query({ ...questions.byText(), namespace: SMALL.namespace }));
  const firstMs = await first;
  await restart();
  const firstByVectorMs = await elapsedMs(() => client.query(questions.byVector()));
  look();
  const askLater = async (vectors: Float32Array): Promise<LaterIndex | null> => {
    note('waiting for a better index');
    const since = performance.now();
    const better = await untilBetterIndex(client, index.m, LATER_MS_MAX);
    const afterMs = performance.now() - since;
    if (better === null) {
      // What was measured before it took half an hour, and stands.
      note(`no index with more than ${index.m} links came: there are no rows of it`);
      return null;
    }
    note('asking');
    const asked = await ask(() => client.query(questions.byVector()));
    look(asked.rssMib);
    return { afterMs, index: better, byVector: asked, recall: await recallOf(client, vectors, ids) };
  };
  const later = contents.vectors === null || bench.quick ? null : await askLater(contents.vectors);
  await client.close();
  await server.stop();

  const better = (side: Row['better']) => (part: string, input: Omit<RowInput, 'name' | 'better'>) => {
    const { target, ...untargeted } = input;
    const held = bench.quick || target === undefined ? {} : { target };
    const named = sized(bench, `${name}.${part}`, `${count} contexts`);
    // Whatever becomes of the rest: this took minutes.
    bench.note(`${named}: ${input.value} ${input.unit}`);
    return row({ ...untargeted, ...held, name: named, better: side });
  };
  const lower = better('lower');
  const higher = better('higher');
  return [
    higher('load', { value: count / ((storedMs - startedMs) / 1_000), unit: 'contexts/s' }),
    lower('indexed_after', {
      value: (indexedMs - storedMs) / 1_000,
      unit: 's',
      target: INDEXED_SECS_MAX,
      details: { cpuPercent },
    }),
    lower('first_question', { value: firstMs, unit: 'ms', target: FIRST_MS_MAX }),
    lower('first_question.small_beside', { value: besideMs, unit: 'ms' }),
    lower('first_question.by_vector', { value: firstByVectorMs, unit: 'ms', target: FIRST_MS_MAX }),
    lower('start', { value: startupMs, unit: 'ms' }),
    lower('query_p50', { value: byText.p50, unit: 'ms', details: detailsOf([byText]) }),
    ...(recall === null
      ? []
      : [
          lower('query_p50.by_vector', { value: byVector.p50, unit: 'ms', details: detailsOf([byVector]) }),
          higher('recall', { value: recall, unit: 'share', target: RECALL_MIN }),
        ]),
    higher('recall.as_measured', { value: index.recall, unit: 'share' }),
    lower('m', { value: index.m, unit: 'links' }),
    lower('ef_search', { value: index.efSearch, unit: 'candidates' }),
    ...(later === null
      ? []
      : [
          lower('later.in_force_after', { value: later.afterMs / 1_000, unit: 's' }),
          lower('later.query_p50.by_vector', {
            value: later.byVector.p50,
            unit: 'ms',
            details: detailsOf([later.byVector]),
          }),
          higher('later.recall', { value: later.recall, unit: 'share', target: RECALL_MIN }),
          lower('later.m', { value: later.index.m, unit: 'links' }),
          lower('later.ef_search', { value: later.index.efSearch, unit: 'candidates' }),
        ]),
    lower('memory_peak', { value: peakMib, unit: 'MiB', target: MIB_MAX, details: { rssMib: byText.rssMib } }),
  ];
}

/** Gives the ids, by position. */
async function store(
  client: Client,
  { corpus, count, vectors }: Contents,
  onStored: (stored: number) => void,
): Promise<string[]> {
  const ids: string[] = [];
  for (let from = 0; from < count; from += CHUNK) {
    const stored = await loadTexts(client, {
      count: Math.min(CHUNK, count - from),
      text: (position) => corpus.text(from + position),
      ...(vectors !== null && { embedding: (position: number) => vectorAt(vectors, from + position) }),
    });
    for (const id of stored) ids.push(id);
    onStored(ids.length);
  }
  return ids;
}

/** None twice, but for vectors, of which there are `QUESTIONS`. */
function questionsAbout({ corpus, count, vectors }: Contents) {
  let asked = 0;
  const byText = () => ({ query: corpus.query(asked++, count), limit: TOP });
  return {
    byText,
    byVector: () =>
      vectors === null ? byText() : { embedding: vectorAt(vectors, count + (asked++ % QUESTIONS)), limit: TOP },
  };
}

function recallOf(client: Client, vectors: Float32Array, ids: readonly string[]): Promise<number> {
  return exactRecall(client, {
    vectors: vectors.subarray(0, ids.length * DIMENSION),
    dimension: DIMENSION,
    ids,
    questions: Array.from({ length: QUESTIONS }, (_, i) => vectorAt(vectors, ids.length + i)),
  });
}

function vectorAt(vectors: Float32Array, position: number): Float32Array {
  return vectors.slice(position * DIMENSION, (position + 1) * DIMENSION);
}

async function elapsedMs(call: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await call();
  return performance.now() - startedMs;
}

import { connectTo, loadTexts } from '../support/client.ts';
import { createClusteredVectors } from '../support/clustered-vectors.ts';
import { createCorpus } from '../support/corpus.ts';
import { exactRecall, joined } from '../support/exact-recall.ts';
import { untilIndexReady } from '../support/index-state.ts';
import { detailsOf, measureLoad } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';

const SEED = 9;
const DIMENSION = 384;
const TOP = 10;
const QUESTIONS = 200;

/** Of 100,000 contexts. */
const READY_SECS_MAX = 12;
const RECALL_MIN = 0.97;

export const indexing: Scenario = {
  name: 'indexing',
  about: `100,000 contexts with clustered vectors of ${DIMENSION} numbers: how long after storing them their index is ready, what it chose and finds`,
  fullDuration: '1 min',
  async run(bench) {
    const count = bench.quick ? 6_000 : 100_000;
    const corpus = createCorpus(SEED);
    const clustered = createClusteredVectors(SEED, DIMENSION);
    bench.note(`making ${count} vectors`);
    const texts = corpus.texts(0, count);
    const vectors = joined(
      Array.from({ length: count + QUESTIONS }, (_, i) => clustered.vector(i)),
      DIMENSION,
    );
    const server = await startServerProcess({ settings: { EMBEDDING__DIMENSION: String(DIMENSION) } });
    bench.defer(() => server.stop());
    const client = await connectTo(server);
    bench.defer(() => client.close());
    bench.note('storing');
    const startedMs = performance.now();
    const vector = (i: number) => vectors.slice(i * DIMENSION, (i + 1) * DIMENSION);
    const ids = await loadTexts(client, { count, text: (i) => texts[i] ?? '', embedding: vector });
    const storedMs = performance.now();
    bench.note('waiting for the index');
    const index = await untilIndexReady(client, count);
    const readySecs = (performance.now() - storedMs) / 1_000;
    const questions = Array.from({ length: QUESTIONS }, (_, i) => vector(count + i));
    const recall = await exactRecall(client, {
      vectors: vectors.subarray(0, count * DIMENSION),
      dimension: DIMENSION,
      ids,
      questions,
    });
    let asked = 0;
    const queries = await measureLoad(server.pid, {
      inFlight: 1,
      durationMs: bench.quick ? 1_000 : 5_000,
      call: () => client.query({ embedding: questions[asked++ % QUESTIONS] ?? vector(0), limit: TOP }),
    });
    const size = `${count} contexts`;
    const plain = (name: string, value: number, unit: string): Row =>
      row({ name: sized(bench, `indexing.${name}`, size), value, unit, better: 'lower' });
    return [
      { ...plain('load', count / ((storedMs - startedMs) / 1_000), 'contexts/s'), better: 'higher' },
      row({
        name: sized(bench, 'indexing.ready_after', size),
        value: readySecs,
        unit: 's',
        better: 'lower',
        ...(bench.quick ? {} : { target: READY_SECS_MAX }),
      }),
      row({
        name: sized(bench, 'indexing.recall', size),
        value: recall,
        unit: 'share',
        better: 'higher',
        target: RECALL_MIN,
      }),
      { ...plain('recall.as_measured', index.recall, 'share'), better: 'higher' },
      plain('m', index.m, 'links'),
      plain('ef_search', index.efSearch, 'candidates'),
      { ...plain('query_p50', queries.p50, 'ms'), details: detailsOf([queries]) },
    ];
  },
};

import { connectTo, loadTexts, type Client } from '../support/client.ts';
import { createCorpus } from '../support/corpus.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';
import { pairedRatio } from '../support/statistics.ts';

const SEED = 4;
const TOP = 10;
const OWN = 'own';
/** Small vectors, so that a million of them are made in minutes; both servers have the same. */
const SETTINGS = { EMBEDDING__DIMENSION: '128' };

interface Subject {
  readonly server: ServerProcess;
  readonly client: Client;
}

export const isolation: Scenario = {
  name: 'isolation',
  about: 'a query in a namespace of 1,000 contexts, alone against beside 1,000 other namespaces of 1,000 each',
  fullDuration: '8 min',
  async run(bench) {
    const [others, each] = bench.quick ? [20, 200] : [1_000, 1_000];
    const corpus = createCorpus(SEED);
    const [alone, beside] = [await start(bench), await start(bench)];
    for (const { client } of [alone, beside]) {
      await loadTexts(client, { namespace: OWN, count: each, text: (position) => corpus.text(position) });
    }
    for (let other = 1; other <= others; other++) {
      if (other % 100 === 0) bench.note(`namespace ${other} of ${others}`);
      await loadTexts(beside.client, {
        namespace: `other-${other}`,
        count: each,
        text: (position) => corpus.text(other * each + position),
      });
    }
    let number = 0;
    const questions = Array.from({ length: 5_000 }, (_, position) => corpus.query(position, each));
    const ask =
      (limited: object) =>
      (client: Client): Promise<unknown> =>
        client.query({ query: questions[number++ % questions.length] ?? '', namespace: OWN, limit: TOP, ...limited });
    const vectors = await embeddingsOf(corpus.texts(0, 50));
    const askByVector = (client: Client): Promise<unknown> =>
      client.query({ embedding: vectors[number++ % vectors.length] ?? new Float32Array(), namespace: OWN, limit: TOP });
    const quickSize = `${others} others of ${each}`;
    return [
      await compare(bench, sized(bench, 'isolation.query_p50', quickSize), alone, beside, ask({})),
      await compare(bench, sized(bench, 'isolation.vector_query_p50', quickSize), alone, beside, askByVector),
    ];
  },
};

async function embeddingsOf(texts: readonly string[]): Promise<Float32Array[]> {
  const { createLocalProvider } = await import('../../src/embedding/local.ts');
  return createLocalProvider({ dimension: 128, table: null }).embed(texts, 'query');
}

async function start(bench: Bench): Promise<Subject> {
  const server = await startServerProcess({ settings: SETTINGS });
  bench.defer(() => server.stop());
  const client = await connectTo(server);
  bench.defer(() => client.close());
  return { server, client };
}

async function compare(
  bench: Bench,
  name: string,
  alone: Subject,
  beside: Subject,
  ask: (client: Client) => Promise<unknown>,
): Promise<Row> {
  const [rounds, durationMs] = bench.quick ? [3, 250] : [9, 2_000];
  const subjects = [alone, beside].map(
    ({ server, client }) =>
      (): Promise<Measured> =>
        measureLoad(server.pid, { inFlight: 1, durationMs, call: () => ask(client) }),
  );
  for (const subject of subjects) await subject();
  const [before = [], after = []] = await interleave(rounds, subjects);
  return row({
    name,
    value: detailsOf(after).p50Ms,
    unit: 'ms',
    better: 'lower',
    floor: detailsOf(before).p50Ms,
    ratio: pairedRatio(
      after.map((round) => round.p50),
      before.map((round) => round.p50),
    ),
    target: 1.2,
    details: detailsOf(after),
  });
}

import type { Ways } from '../floors/bare-search.ts';
import { connectMany, connectTo } from '../support/client.ts';
import { largeNamespace, takeQuery, type LargeNamespace } from '../support/large-namespace.ts';
import { interleave, type LoadResult } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { nowhereZero, vectorRecall } from '../support/recall.ts';
import { row } from '../support/report.ts';
import { sized, type Scenario } from '../support/scenario.ts';
import { median, pairedRatio } from '../support/statistics.ts';

const CONNECTIONS = 2;
const IN_FLIGHT = 16;
const TOP = 10;

export const query: Scenario = {
  name: 'query',
  about:
    'context.query, top 10 of 100,000 contexts, hybrid, against bare vector and bare lexical search; recall of the vector side',
  fullDuration: '6 min',
  async run(bench) {
    const large = await largeNamespace(bench);
    const clients = await connectMany(large.server, CONNECTIONS);
    const client = await connectTo(large.server);
    bench.defer(() => Promise.all([...clients, client].map((each) => each.close())));
    const [rounds, durationMs] = bench.quick ? [3, 400] : [5, 5_000];
    const hybrid = (): Promise<Measured> =>
      measureLoad(large.server.pid, {
        inFlight: IN_FLIGHT,
        durationMs,
        call: (lane) =>
          clients[lane % CONNECTIONS]?.query({ query: takeQuery(large), limit: TOP }) ??
          Promise.reject(new Error('no connection')),
      });
    await hybrid();
    const recalled = bench.quick ? 30 : 300;
    const recall = await vectorRecall(large, client, recalled);
    const graphRecall = await vectorRecall(large, client, recalled, nowhereZero);
    const ways = await fastestWays(large, durationMs);
    bench.note(`the fastest floor is ${ways.dense} and ${ways.lexical}`);
    const floors: LoadResult[] = [];
    const ours: Measured[] = [];
    await interleave<void>(rounds, [
      async () => void floors.push(await large.floor.call('run', { durationMs, ...ways })),
      async () => void ours.push(await hybrid()),
    ]);
    const quickSize = `${large.count} contexts`;
    return [
      row({
        name: sized(bench, 'query.hybrid', quickSize),
        value: detailsOf(ours).throughputPerSec,
        unit: 'queries/s',
        better: 'higher',
        floor: median(floors.map((round) => round.perSec)),
        ratio: pairedRatio(
          ours.map((round) => round.perSec),
          floors.map((round) => round.perSec),
        ),
        target: 0.5,
        details: detailsOf(ours),
      }),
      row({
        name: sized(bench, 'query.vector_recall', quickSize),
        value: recall,
        unit: 'share',
        better: 'higher',
        target: 0.97,
      }),
      row({
        name: sized(bench, 'query.vector_recall.graph', quickSize),
        value: graphRecall,
        unit: 'share',
        better: 'higher',
        target: 0.97,
      }),
    ];
  },
};

async function fastestWays(large: LargeNamespace, durationMs: number): Promise<Ways> {
  let fastest: Ways = { lexical: 'fts5', dense: 'hnsw' };
  let most = 0;
  for (const dense of ['hnsw', 'columns'] as const) {
    for (const lexical of ['fts5', 'inverted'] as const) {
      const { perSec } = await large.floor.call('run', { durationMs, dense, lexical });
      if (perSec > most) [fastest, most] = [{ dense, lexical }, perSec];
    }
  }
  return fastest;
}

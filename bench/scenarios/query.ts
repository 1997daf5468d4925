import type { Lexical } from '../floors/bare-search.ts';
import { connectMany } from '../support/client.ts';
import { largeNamespace, takeQuery, type LargeNamespace } from '../support/large-namespace.ts';
import { interleave, type LoadResult } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { vectorRecall } from '../support/recall.ts';
import { row } from '../support/report.ts';
import { sized, type Scenario } from '../support/scenario.ts';
import { median, pairedRatio } from '../support/statistics.ts';

const CONNECTIONS = 2;
const IN_FLIGHT = 16;
const TOP = 10;

export const query: Scenario = {
  name: 'query',
  about: 'context.query, top 10 of 100,000 contexts, hybrid, against bare vector and bare lexical search; recall of the vector side',
  fullDuration: '6 min',
  async run(bench) {
    const large = await largeNamespace(bench);
    const clients = await connectMany(large.server, CONNECTIONS);
    bench.defer(() => Promise.all(clients.map((client) => client.close())));
    const [rounds, durationMs] = bench.quick ? [3, 400] : [5, 5_000];
    const hybrid = (): Promise<Measured> =>
      measureLoad(large.server.pid, {
        inFlight: IN_FLIGHT,
        durationMs,
        call: (lane) => clients[lane % CONNECTIONS]?.query({ query: takeQuery(large), limit: TOP }) ?? Promise.reject(new Error('no connection')),
      });
    const recall = clients[0] === undefined ? Number.NaN : await vectorRecall(large, clients[0], bench.quick ? 30 : 300);
    await hybrid();
    const lexical = await fasterLexical(large, durationMs);
    bench.note(`the faster lexical floor is ${lexical}`);
    const floors: LoadResult[] = [];
    const ours: Measured[] = [];
    await interleave<void>(rounds, [
      async () => void floors.push(await large.floor.call('run', { durationMs, lexical })),
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
        ratio: pairedRatio(ours.map((round) => round.perSec), floors.map((round) => round.perSec)),
        target: 0.5,
        details: detailsOf(ours),
      }),
      row({ name: sized(bench, 'query.vector_recall', quickSize), value: recall, unit: 'share', better: 'higher', target: 0.97 }),
    ];
  },
};

/** The floor takes whichever full-text search is faster on this data, so that a slow one does not flatter the server. */
async function fasterLexical(large: LargeNamespace, durationMs: number): Promise<Lexical> {
  const fts5 = await large.floor.call('run', { durationMs, lexical: 'fts5' });
  const inverted = await large.floor.call('run', { durationMs, lexical: 'inverted' });
  return fts5.perSec > inverted.perSec ? 'fts5' : 'inverted';
}

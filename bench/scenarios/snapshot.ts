import { connectTo, loadTexts } from '../support/client.ts';
import { createCorpus } from '../support/corpus.ts';
import { interleave } from '../support/load.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';
import { pairedRatio } from '../support/statistics.ts';

const SEED = 9;
const TOP = 10;
const SNAPSHOT_TIMEOUT_MS = 600_000;

export const snapshot: Scenario = {
  name: 'snapshot',
  about: 'a reader and a writer beside a snapshot that is being made, against the same without one',
  fullDuration: '3 min',
  async run(bench) {
    const [count, rounds] = bench.quick ? [2_000, 2] : [20_000, 6];
    const corpus = createCorpus(SEED);
    const server = await startServerProcess();
    bench.defer(() => server.stop());
    const client = await connectTo(server);
    bench.defer(() => client.close());
    await loadTexts(client, { count, text: (position) => corpus.text(position) });

    let position = count;
    const read = (): Promise<unknown> => client.query({ query: corpus.query(position++, count), limit: TOP });
    const write = (): Promise<unknown> => client.store({ text: corpus.text(position++) });
    const both = (durationMs: number): Promise<[Measured, Measured]> =>
      Promise.all([
        measureLoad(server.pid, { inFlight: 1, durationMs, call: read }),
        measureLoad(server.pid, { inFlight: 1, durationMs, call: write }),
      ]);
    await both(1_000);
    const tookMs = await timed(() => client.createSnapshot({}, { timeoutMs: SNAPSHOT_TIMEOUT_MS }));
    // As long as a snapshot takes beside the load, so that nearly all of a round has one.
    const spanMs = Math.max(500, tookMs);
    const [without = [], beside = []] = await interleave(rounds, [
      () => both(spanMs),
      async () => {
        const [made, load] = await Promise.all([
          client.createSnapshot({}, { timeoutMs: SNAPSHOT_TIMEOUT_MS }),
          both(spanMs),
        ]);
        if (made.snapshot.contexts < count) throw new Error(`a snapshot of ${made.snapshot.contexts} contexts`);
        return load;
      },
    ]);
    const compare = (name: string, pick: (round: readonly [Measured, Measured]) => Measured): Row[] => {
      const [plain, busy] = [without.map(pick), beside.map(pick)];
      const of = (what: 'p50' | 'p99'): Row => {
        const details = detailsOf(busy);
        return row({
          name: sized(bench, `snapshot.${name}_${what}`, `${count} contexts`),
          value: what === 'p50' ? details.p50Ms : details.p99Ms,
          unit: 'ms',
          better: 'lower',
          floor: what === 'p50' ? detailsOf(plain).p50Ms : detailsOf(plain).p99Ms,
          ratio: pairedRatio(
            busy.map((round) => round[what]),
            plain.map((round) => round[what]),
          ),
          details,
        });
      };
      return [of('p50'), of('p99')];
    };
    return [
      ...compare('query', ([reads]) => reads),
      ...compare('store', ([, writes]) => writes),
      row({
        name: sized(bench, 'snapshot.time', `${count} contexts`),
        value: tookMs / 1_000,
        unit: 's',
        better: 'lower',
      }),
    ];
  },
};

async function timed(task: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await task();
  return performance.now() - startedMs;
}

import { connectMany, loadTexts, type Client } from '../support/client.ts';
import { createCorpus } from '../support/corpus.ts';
import { detailsOf, measureLoad, type Measured } from '../support/measured.ts';
import { row } from '../support/report.ts';
import { sized, type Scenario } from '../support/scenario.ts';
import { readMetric } from '../support/server-metrics.ts';
import { startServerProcess, type ServerProcess } from '../support/server-process.ts';

const SEED = 5;
const TOP = 10;
const WRITERS = 10;
const READERS = 10;

export const mixed: Scenario = {
  name: 'mixed',
  about: '10 writers and 10 readers at once: the event loop and the query beside what it is without writers',
  fullDuration: '2 min',
  async run(bench) {
    const [preloaded, aloneMs, mixedMs, scrapeMs] = bench.quick
      ? [1_000, 500, 3_000, 1_000]
      : [10_000, 10_000, 60_000, 5_000];
    const corpus = createCorpus(SEED);
    const server = await startServerProcess();
    bench.defer(() => server.stop());
    const clients = await connectMany(server, WRITERS + READERS);
    bench.defer(() => Promise.all(clients.map((client) => client.close())));
    const [writers, readers] = [clients.slice(0, WRITERS), clients.slice(WRITERS)];
    if (readers[0] !== undefined)
      await loadTexts(readers[0], { count: preloaded, text: (position) => corpus.text(position) });

    const questions = Array.from({ length: 20_000 }, (_, position) => corpus.query(position, preloaded));
    let asked = 0;
    const read = (inFlight: number, durationMs: number): Promise<Measured> =>
      measureLoad(server.pid, {
        inFlight,
        durationMs,
        call: (lane) =>
          clientOf(readers, lane).query({ query: questions[asked++ % questions.length] ?? '', limit: TOP }),
      });
    let written = preloaded;
    const write = (durationMs: number): Promise<Measured> =>
      measureLoad(server.pid, {
        inFlight: WRITERS,
        durationMs,
        call: (lane) => clientOf(writers, lane).store({ text: corpus.text(written++) }),
      });

    await read(1, aloneMs / 2);
    const single = await read(1, aloneMs);
    const alone = await read(READERS, aloneMs);
    const watch = watchEventLoop(server, mixedMs, scrapeMs);
    const [reads, writes] = await Promise.all([read(READERS, mixedMs), write(mixedMs)]);
    const delaysMs = await watch;

    const quickSize = `${mixedMs / 1_000} s`;
    const query = { value: reads.p99, unit: 'ms', better: 'lower', details: detailsOf([reads]) } as const;
    return [
      row({
        name: sized(bench, 'mixed.event_loop_delay_p99', quickSize),
        value: Math.max(...delaysMs),
        unit: 'ms',
        better: 'lower',
        target: 20,
      }),
      row({ name: sized(bench, 'mixed.query_p99', quickSize), ...query, floor: alone.p50, target: 5 }),
      row({ name: sized(bench, 'mixed.query_p99.against_one_reader', quickSize), ...query, floor: single.p50 }),
      row({
        name: sized(bench, 'mixed.store', quickSize),
        value: writes.perSec,
        unit: 'contexts/s',
        better: 'higher',
        details: detailsOf([writes]),
      }),
    ];
  },
};

/** The gauge covers the time since the last scrape: one reading for every span. The first, of the time before, is dropped. */
async function watchEventLoop(server: ServerProcess, durationMs: number, everyMs: number): Promise<number[]> {
  const read = async (): Promise<number> => (await readMetric(server, 'event_loop_delay_p99_seconds')) * 1_000;
  await read();
  const delaysMs: number[] = [];
  const endMs = performance.now() + durationMs;
  while (performance.now() + everyMs / 2 < endMs) {
    await new Promise((resolve) => setTimeout(resolve, everyMs));
    delaysMs.push(await read());
  }
  return delaysMs;
}

function clientOf(clients: readonly Client[], lane: number): Client {
  const client = clients[lane % clients.length];
  if (client === undefined) throw new Error('no connection');
  return client;
}

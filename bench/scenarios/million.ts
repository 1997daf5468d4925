import { connectTo, loadTexts } from '../support/client.ts';
import { createCorpus } from '../support/corpus.ts';
import { untilIndexed } from '../support/index-state.ts';
import { detailsOf, measureLoad } from '../support/measured.ts';
import { readUsage } from '../support/process-usage.ts';
import { row } from '../support/report.ts';
import type { Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';

const SEED = 6;
const COUNT = 1_000_000;
const CHUNK = 50_000;
const TOP = 10;
const MIB_MAX = 8_192;
const SETTINGS = { EMBEDDING__DIMENSION: '128' };

export const million: Scenario = {
  name: 'million',
  about: 'a million contexts with vectors of 128 numbers in one namespace: memory, load, query',
  fullDuration: '50 min, nearly all of it building the index',
  onRequest: true,
  async run(bench) {
    const corpus = createCorpus(SEED);
    const server = await startServerProcess({ settings: SETTINGS });
    bench.defer(() => server.stop());
    const client = await connectTo(server);
    bench.defer(() => client.close());
    const startedMs = performance.now();
    let peakMib = 0;
    for (let from = 0; from < COUNT; from += CHUNK) {
      await loadTexts(client, { count: CHUNK, text: (position) => corpus.text(from + position) });
      peakMib = Math.max(peakMib, readUsage(server.pid).rssMib);
      bench.note(`${from + CHUNK} stored, ${Math.round(peakMib)} MiB`);
    }
    const loadSecs = (performance.now() - startedMs) / 1_000;
    await untilIndexed(server);
    const indexedSecs = (performance.now() - startedMs) / 1_000;
    peakMib = Math.max(peakMib, readUsage(server.pid).rssMib);
    let asked = 0;
    const queries = await measureLoad(server.pid, {
      inFlight: 1,
      durationMs: 20_000,
      call: () => client.query({ query: corpus.query(asked++, COUNT), limit: TOP }),
    });
    peakMib = Math.max(peakMib, queries.rssMib);
    return [
      row({
        name: 'million.memory_peak',
        value: peakMib,
        unit: 'MiB',
        better: 'lower',
        target: MIB_MAX,
        details: { rssMib: queries.rssMib },
      }),
      row({ name: 'million.load', value: COUNT / loadSecs, unit: 'contexts/s', better: 'higher' }),
      row({ name: 'million.until_indexed', value: indexedSecs, unit: 's', better: 'lower' }),
      row({
        name: 'million.query_p50',
        value: queries.p50,
        unit: 'ms',
        better: 'lower',
        details: detailsOf([queries]),
      }),
    ];
  },
};

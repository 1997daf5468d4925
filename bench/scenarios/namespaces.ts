import { setTimeout as sleep } from 'node:timers/promises';
import { connectTo, type Client } from '../support/client.ts';
import { createCorpus, type Corpus } from '../support/corpus.ts';
import { untilAtRest } from '../support/index-state.ts';
import { detailsOf, measureLoad } from '../support/measured.ts';
import { readUsage } from '../support/process-usage.ts';
import { row, type Row } from '../support/report.ts';
import { sized, type Bench, type Scenario } from '../support/scenario.ts';
import { startServerProcess } from '../support/server-process.ts';

const SEED = 9;
const COUNT = 50_000;
const QUICK_COUNT = 2_000;
const BATCH = 250;
const IN_FLIGHT = 16;
const TOP = 10;
const MEMORY_MIB_MAX = 600;
const ASKED_FOR_AT_MOST_MS = 600_000;
/** A server that nobody asks gives back what it freed. */
const COLLECTED_WITHIN_MS = 25_000;

export const namespaces: Scenario = {
  name: 'namespaces',
  about: `memory of ${COUNT} namespaces with one context each: after storing, after a question in each, and at rest`,
  fullDuration: '3 min',
  onRequest: true,
  async run(bench) {
    const count = bench.quick ? QUICK_COUNT : COUNT;
    const corpus = createCorpus(SEED);
    const server = await startServerProcess();
    bench.defer(() => server.stop());
    const client = await connectTo(server);
    bench.defer(() => client.close());
    bench.note(`storing ${count} contexts`);
    for (let from = 0; from < count; from += BATCH)
      await storeFrom(client, corpus, from, Math.min(count, from + BATCH));
    const stored = readUsage(server.pid).rssMib;
    bench.note('asking in each namespace');
    const asked = await measureLoad(server.pid, {
      inFlight: IN_FLIGHT,
      durationMs: ASKED_FOR_AT_MOST_MS,
      callsMax: count,
      call: (_lane, call) => client.query({ query: corpus.query(call, count), namespace: `space-${call}`, limit: TOP }),
    });
    await untilAtRest(server);
    if (!bench.quick) await sleep(COLLECTED_WITHIN_MS);
    const atRest = readUsage(server.pid).rssMib;
    const figure = (what: string, rssMib: number): Row =>
      memoryRow(bench, sized(bench, `namespaces.${what}`, `${count} namespaces`), rssMib);
    return [
      figure('memory_after_storing', stored),
      { ...figure('memory_after_questions', asked.rssMib), details: detailsOf([asked]) },
      figure('memory_at_rest', atRest),
    ];
  },
};

async function storeFrom(client: Client, corpus: Corpus, from: number, end: number): Promise<void> {
  const contexts = Array.from({ length: end - from }, (_, i) => ({
    text: corpus.text(from + i),
    level: 'long_term' as const,
    namespace: `space-${from + i}`,
  }));
  const { results } = await client.storeBatch({ contexts });
  const refused = results.find((result) => 'error' in result);
  if (refused !== undefined) throw new Error(`a context was refused: ${JSON.stringify(refused)}`);
}

/** A small size is below the target, whatever it takes. */
function memoryRow(bench: Bench, name: string, value: number): Row {
  return row({ name, value, unit: 'MiB', better: 'lower', ...(bench.quick ? {} : { target: MEMORY_MIB_MAX }) });
}

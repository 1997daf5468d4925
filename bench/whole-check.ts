import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { systemClock } from '../src/base/clock.ts';
import { silentLog } from '../src/base/log.ts';
import { noMetrics } from '../src/base/metrics.ts';
import { DATABASE_FILE } from '../src/store/embedded/database/data-folder.ts';
import type { EmbeddedStore } from '../src/store/embedded/embedded-store.ts';
import { openEmbeddedStore } from '../src/store/embedded/open-embedded-store.ts';
import { idOf, NOW_MS, put, sample } from '../test/contract/store-samples.ts';
import { summarize } from './support/statistics.ts';

const USAGE = `Usage: npm run bench:check -- [--megabytes 100] [--rounds 5] [--json]

Looks through a whole database of that size, as \`whole_check\` does, and shows how long it takes and how much processor time; then
how long reads and writes of a single caller take, by turns while checks run one after another and while none does.
`;
const DIMENSION = 1024;
const TEXT = 'a sentence of some words that somebody has said '.repeat(10);
const STORED_AT_ONCE = 500;
const TURN_MS = 2_000;

const { values } = parseArgs({
  options: {
    megabytes: { type: 'string', default: '100' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
});
if (values.help) process.stdout.write(USAGE);
else await main(Number(values.megabytes) * 1024 * 1024, Number(values.rounds));

/** In milliseconds each. */
interface Latencies {
  readonly reads: number[];
  readonly writes: number[];
}

async function main(bytes: number, rounds: number): Promise<void> {
  const dataDir = mkdtempSync(join(tmpdir(), 'whole-check-'));
  const own = { dataDir, dimension: DIMENSION, embeddingId: 'bench', clock: systemClock, log: silentLog };
  const store = await openEmbeddedStore({ ...own, metrics: noMetrics });
  try {
    const contexts = await fill(store, join(dataDir, DATABASE_FILE), bytes);
    await checked(store);
    const alone = await checked(store);
    const [without, beside]: [Latencies, Latencies] = [newLatencies(), newLatencies()];
    let checks = 0;
    for (let round = 0; round < rounds; round++) {
      await call(store, contexts, without);
      const abort = new AbortController();
      const checking = (async () => {
        for (; !abort.signal.aborted; checks++) await store.wholeCheck.run();
      })();
      await call(store, contexts, beside);
      abort.abort();
      await checking;
    }
    tell({ bytes: statSync(join(dataDir, DATABASE_FILE)).size, contexts, checks, alone, without, beside });
  } finally {
    await store.close();
    rmSync(dataDir, { recursive: true, force: true });
  }
}

async function fill(store: EmbeddedStore, path: string, bytes: number): Promise<number> {
  let contexts = 0;
  while (statSync(path).size < bytes) {
    const ops = Array.from({ length: STORED_AT_ONCE }, () => put(sample(`c-${contexts++}`, DIMENSION, { text: TEXT })));
    await store.write(ops);
  }
  return contexts;
}

/** Of the whole process, which does nothing else. */
async function checked(store: EmbeddedStore): Promise<{ readonly ms: number; readonly processorMs: number }> {
  const startedMs = performance.now();
  const before = process.cpuUsage();
  await store.wholeCheck.run();
  const { user, system } = process.cpuUsage(before);
  return { ms: performance.now() - startedMs, processorMs: (user + system) / 1000 };
}

/** One call after another, three reads to a write. */
async function call(store: EmbeddedStore, contexts: number, { reads, writes }: Latencies): Promise<void> {
  const endMs = performance.now() + TURN_MS;
  for (let i = 0; performance.now() < endMs; i++) {
    const id = idOf(`c-${(i * 7919) % contexts}`);
    const startedMs = performance.now();
    if (i % 4 === 0) {
      const patch = { tags: [`t-${i}`] };
      await store.write([{ op: 'update', namespace: 'space', id, patch, updatedAtMs: NOW_MS }]);
      writes.push(performance.now() - startedMs);
    } else {
      await store.fetch('space', [id], NOW_MS);
      reads.push(performance.now() - startedMs);
    }
  }
}

function newLatencies(): Latencies {
  return { reads: [], writes: [] };
}

interface Figures {
  readonly bytes: number;
  readonly contexts: number;
  readonly checks: number;
  readonly alone: { readonly ms: number; readonly processorMs: number };
  readonly without: Latencies;
  readonly beside: Latencies;
}

function tell({ bytes, contexts, checks, alone, without, beside }: Figures): void {
  const kinds = ['reads', 'writes'] as const;
  const rows = kinds.map((kind) => ({ kind, without: summarize(without[kind]), beside: summarize(beside[kind]) }));
  if (values.json) {
    process.stdout.write(`${JSON.stringify({ bytes, contexts, checks, alone, calls: rows })}\n`);
    return;
  }
  const megabytes = (bytes / 1024 / 1024).toFixed(0);
  process.stdout.write(
    `${megabytes} MiB, ${contexts} contexts: looked through in ${alone.ms.toFixed(0)} ms, ${alone.processorMs.toFixed(0)} ms of a processor\n\n` +
      `| milliseconds | p50 | p99 | p50 beside checks | p99 beside checks |\n| --- | --- | --- | --- | --- |\n`,
  );
  for (const row of rows) {
    const cells = [row.without, row.beside].flatMap(({ p50, p99 }) => [p50.toFixed(2), p99.toFixed(2)]);
    process.stdout.write(`| ${row.kind} | ${cells.join(' | ')} |\n`);
  }
  process.stdout.write(`\n${checks} checks were made beside them\n`);
}

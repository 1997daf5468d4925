import { expect, it } from 'vitest';
import { silentLog } from '../../../../src/base/log.ts';
import { LoopTurns } from '../../../../src/base/loop-turns.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import type { FactInput } from '../../../../src/hirag/facts/fact.ts';
import { Facts } from '../../../../src/hirag/facts/facts.ts';
import { REPEATED_MAX } from '../../../../src/hirag/facts/succession.ts';
import type { DocumentPage, DocumentScan, DocumentStore } from '../../../../src/store/documents.ts';
import { openMemoryStore } from '../../../../src/store/memory/open-memory-store.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

const START_MS = 1_000;
const NAMESPACE = 'n';
const AGENT = { namespace: NAMESPACE, agentId: 'a' };

function opened() {
  const clock = new FakeClock(1_000_000);
  const store = openMemoryStore({ dimension: 4, clock, random: systemRandom, log: silentLog });
  const read = { documents: 0 };
  const counting: DocumentStore = {
    writeDocuments: (changes) => store.writeDocuments(changes),
    documents: (...asked) => store.documents(...asked),
    async scanDocuments(request: DocumentScan): Promise<DocumentPage> {
      const page = await store.scanDocuments(request);
      read.documents += page.documents.length;
      return page;
    },
    placeCursor: (...asked) => store.placeCursor(...asked),
    cursorPlace: (...asked) => store.cursorPlace(...asked),
  };
  const turns = new LoopTurns();
  return { facts: new Facts({ store: counting, clock, random: systemRandom, metrics: noMetrics, turns }), read };
}

/** One a millisecond from the start on, with the objects in this order. */
async function putAll(facts: Facts, objects: readonly string[], more: Partial<FactInput> = {}): Promise<string[]> {
  const ids: string[] = [];
  for (let at = 0; at < objects.length; at += 100) {
    const some = objects.slice(at, at + 100).map((object, i): FactInput => {
      const validFromMs = START_MS + at + i;
      return { subject: 'Mara', predicate: 'lives in', object, singleValued: true, validFromMs, ...more };
    });
    ids.push(...(await facts.put({ ...AGENT, facts: some })).map(({ id }) => id));
  }
  return ids;
}

const COUNT = 600;

it('what is said again and again ends with one of its repetitions, and costs no more than a few pages', async () => {
  const { facts, read } = opened();
  const ids = await putAll(facts, [...new Array<string>(COUNT).fill('Porto'), 'Rome']);
  const list = async (asOfMs: number, limit = 1) => {
    read.documents = 0;
    return (await facts.list({ ...AGENT, subject: 'mara', asOfMs, limit, bytesMax: 1e6 })).facts;
  };
  expect(await list(START_MS)).toEqual([
    expect.objectContaining({ supersededBy: ids[REPEATED_MAX], endMs: START_MS + REPEATED_MAX }),
  ]);
  expect(read.documents).toBeLessThan(400);
  const before = await list(START_MS + COUNT - 1, 20);
  expect(before.map(({ fact, supersededBy }) => [fact.object, supersededBy])).toEqual(
    new Array(20).fill(['Porto', ids[COUNT]]),
  );
  // At each moment it is known, by those that said so last.
  expect((await list(START_MS + COUNT / 2, 1_000)).length).toBe(REPEATED_MAX);
  expect((await list(START_MS + COUNT, 10)).map(({ fact }) => fact.object)).toEqual(['Rome']);
});

it('what stands between two facts about one object is not read', async () => {
  const { facts, read } = opened();
  const others = Array.from({ length: COUNT }, (_, i) => (i % 2 === 0 ? 'Oslo' : 'Rome'));
  const ids = await putAll(facts, ['Berlin', ...others, 'Berlin', 'Porto']);
  read.documents = 0;
  const page = await facts.list({ ...AGENT, object: 'Berlin', includePast: true, limit: 10, bytesMax: 1e6 });
  expect(page.facts.map(({ supersededBy }) => supersededBy)).toEqual([ids.at(-1), ids[1]]);
  expect(read.documents).toBeLessThan(400);
});

it('of many that began at once no more than some pages are read for what ends one', async () => {
  const { facts, read } = opened();
  const count = 1_500;
  await putAll(facts, new Array<string>(count).fill('Porto'), { validFromMs: START_MS });
  read.documents = 0;
  const page = await facts.list({ ...AGENT, subject: 'mara', limit: 1, bytesMax: 1e6 });
  expect(page.facts).toHaveLength(1);
  // All of them by the list, which looks for one that holds, and some again.
  expect(read.documents).toBeLessThan(count + 1_300);
});

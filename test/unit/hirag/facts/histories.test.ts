import fc from 'fast-check';
import { expect, it } from 'vitest';
import { silentLog } from '../../../../src/base/log.ts';
import { LoopTurns } from '../../../../src/base/loop-turns.ts';
import { noMetrics } from '../../../../src/base/metrics.ts';
import { systemRandom } from '../../../../src/base/random.ts';
import type { FactInput } from '../../../../src/hirag/facts/fact.ts';
import { Facts } from '../../../../src/hirag/facts/facts.ts';
import { openMemoryStore } from '../../../../src/store/memory/open-memory-store.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

/** A fact as the naive model keeps it: a line in a book. */
interface Line {
  readonly id: string;
  readonly agentId: string;
  readonly group: string;
  readonly object: string;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly isSingle: boolean;
  readonly recordedMs: number;
  /** In the order of putting. */
  readonly number: number;
}

const START_MS = 1_000;
const SPAN_MS = 60;
const NAMESPACE = 'n';

const put = fc.record({
  op: fc.constant('put' as const),
  agentId: fc.constantFrom('a', 'b'),
  subject: fc.constantFrom('Mara', 'MARA', 'Anna'),
  predicate: fc.constantFrom('lives in', 'knows'),
  object: fc.constantFrom('Porto', 'porto', 'Berlin', 'Rome'),
  fromMs: fc.option(fc.integer({ min: START_MS - 20, max: START_MS + SPAN_MS }), { nil: undefined, freq: 3 }),
  lengthMs: fc.option(fc.integer({ min: 1, max: 30 }), { nil: undefined }),
  isSingle: fc.boolean(),
});
const history = fc.array(
  fc.oneof(
    { arbitrary: put, weight: 6 },
    { arbitrary: fc.record({ op: fc.constant('delete' as const), which: fc.nat() }), weight: 2 },
    { arbitrary: fc.record({ op: fc.constant('wait' as const), ms: fc.integer({ min: 1, max: 8 }) }), weight: 2 },
  ),
  { maxLength: 24 },
);

function isLater(a: Line, b: Line): boolean {
  return a.fromMs > b.fromMs || (a.fromMs === b.fromMs && a.number > b.number);
}

/** The line that ends `line`, of those that are known. */
function enderOf(line: Line, known: readonly Line[]): Line | undefined {
  const enders = known.filter(
    (other) =>
      other.isSingle &&
      other.agentId === line.agentId &&
      other.group === line.group &&
      other.object !== line.object &&
      isLater(other, line),
  );
  return enders.reduce<Line | undefined>(
    (first, one) => (first === undefined || isLater(first, one) ? one : first),
    undefined,
  );
}

function endOf(line: Line, known: readonly Line[]): number {
  return Math.min(line.untilMs, enderOf(line, known)?.fromMs ?? Infinity);
}

function heldIds(book: readonly Line[], atMs: number, knownMs: number, includePast: boolean): string[] {
  const known = book.filter(({ recordedMs }) => recordedMs <= knownMs);
  const held = known.filter((line) => line.fromMs <= atMs && (includePast || endOf(line, known) > atMs));
  return held.map(({ id }) => id).sort();
}

it('hold as a book of all of them says, at any time, as known at any time', async () => {
  await fc.assert(
    fc.asyncProperty(history, fc.integer({ min: 1, max: 5 }), async (steps, limit) => {
      const clock = new FakeClock(START_MS);
      const store = openMemoryStore({ dimension: 4, clock, random: systemRandom, log: silentLog });
      const facts = new Facts({ store, clock, random: systemRandom, metrics: noMetrics, turns: new LoopTurns() });
      let book: Line[] = [];
      let number = 0;
      for (const step of steps) {
        if (step.op === 'wait') clock.advance(step.ms);
        else if (step.op === 'delete') {
          const line = book[step.which % Math.max(1, book.length)];
          expect(await facts.delete(NAMESPACE, line?.id ?? 'none')).toBe(line === undefined ? 0 : 1);
          book = book.filter((other) => other !== line);
        } else {
          const { agentId, subject, predicate, object, isSingle } = step;
          const fromMs = step.fromMs ?? clock.nowMs();
          const input: FactInput = {
            ...{ subject, predicate, object, singleValued: isSingle },
            ...(step.fromMs !== undefined && { validFromMs: step.fromMs }),
            ...(step.lengthMs !== undefined && { validUntilMs: fromMs + step.lengthMs }),
          };
          const [told] = await facts.put({ namespace: NAMESPACE, agentId, facts: [input] });
          const line: Line = {
            ...{ id: told!.id, agentId, fromMs, isSingle, number, recordedMs: clock.nowMs() },
            group: `${subject} ${predicate}`.toLowerCase(),
            object: object.toLowerCase(),
            untilMs: step.lengthMs === undefined ? Infinity : fromMs + step.lengthMs,
          };
          number++;
          const before = book;
          book = [...book, line];
          const group = book.filter((other) => other.agentId === agentId && other.group === line.group);
          const others = group.filter((other) => other.object !== line.object);
          const superseded = others.filter((other) => enderOf(other, book) === line && other.untilMs > fromMs);
          const conflicts = others.filter(
            (other) => Math.max(other.fromMs, fromMs) < Math.min(endOf(other, book), endOf(line, book)),
          );
          expect(before.some(({ id }) => id === told!.id)).toBe(false);
          expect([...told!.superseded].sort()).toEqual(superseded.map(({ id }) => id).sort());
          expect([...told!.conflicts].sort()).toEqual(conflicts.map(({ id }) => id).sort());
        }
      }
      for (const agentId of ['a', undefined]) {
        for (const includePast of [false, true]) {
          for (const [atMs, knownMs] of [
            [clock.nowMs(), Infinity],
            [START_MS + 5, Infinity],
            [START_MS + SPAN_MS, clock.nowMs()],
            [START_MS + 20, START_MS + 10],
            [START_MS, START_MS],
          ] as const) {
            const scope = { asOfMs: atMs, includePast, ...(agentId && { agentId }), limit, bytesMax: 1_000_000 };
            const found: string[] = [];
            let cursor: string | undefined;
            do {
              const page = await facts.list({
                ...{ namespace: NAMESPACE, ...scope, subject: 'mara' },
                ...(knownMs !== Infinity && { knownAtMs: knownMs }),
                ...(cursor && { cursor }),
              });
              expect(page.facts.length).toBeLessThanOrEqual(limit);
              found.push(...page.facts.map(({ fact }) => fact.id));
              cursor = page.cursor;
            } while (cursor !== undefined);
            const known = book.filter((line) => line.recordedMs <= knownMs);
            const about = known.filter(
              (line) => line.group.startsWith('mara') && line.agentId === (agentId ?? line.agentId),
            );
            const expected = heldIds(known, atMs, knownMs, includePast).filter((id) =>
              about.some((line) => line.id === id),
            );
            expect(found.toSorted()).toEqual(expected);
          }
        }
      }
      await store.close();
    }),
    { numRuns: Number(process.env['FACT_RUNS'] ?? 60) },
  );
});

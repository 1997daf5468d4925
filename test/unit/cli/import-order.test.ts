import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import type { Level } from '../../../src/base/context.ts';
import { inImportOrder } from '../../../src/cli/transfer/import-order.ts';
import { ReversedLines } from '../../../src/cli/transfer/reversed-lines.ts';
import type { Context } from '../../../src/protocol/messages.generated.ts';

const folder = mkdtempSync(join(tmpdir(), 'cm-order-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function textOf(lines: AsyncIterable<string>): Promise<string> {
  let text = '';
  for await (const line of lines) text += line;
  return text;
}

describe('ReversedLines', () => {
  it.each([1, 20, 1_000_000])('gives lines back last first, with %i characters in memory', async (chars) => {
    const lines = Array.from({ length: 300 }, (_, place) => `line ${place} ünïcode 日本\n`);
    const held = new ReversedLines(folder, chars);
    for (const line of lines) await held.push(line);
    expect(readdirSync(folder)).toEqual([]);
    expect(await textOf(held.drain())).toBe(lines.toReversed().join(''));
    await held.close();
  });

  it('says what is wrong where its file cannot be made', async () => {
    const held = new ReversedLines(join(folder, 'missing'), 1);
    await expect(held.push('line\n')).rejects.toThrow(/cannot keep lines in a temporary file .* \(ENOENT\)/);
  });
});

interface Entry {
  readonly id: string;
  readonly createdAtMs: number;
  readonly level: Level;
}

/** Newest first by creation, then by arrival: how a server lists. */
function listOf(arrived: readonly Entry[]): Entry[] {
  return arrived.toReversed().sort((a, b) => b.createdAtMs - a.createdAtMs);
}

async function exported(list: readonly Entry[]): Promise<Entry[]> {
  async function* contexts(): AsyncGenerator<Context> {
    for (const { id, createdAtMs, level } of list)
      yield await Promise.resolve({
        id,
        created_at: createdAtMs,
        level,
        namespace: 'n',
        agent_id: 'a',
        text: 't',
        token_count: 1,
        metadata: {},
        tags: [],
        version: 1,
        updated_at: 0,
        recorded_at: 0,
        valid_from: createdAtMs,
        access_count: 0,
      });
  }
  const held = new ReversedLines(folder, 500);
  const text = await textOf(inImportOrder(contexts(), held));
  await held.close();
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { id: string; created_at: number; level: Level })
    .map(({ id, created_at: createdAtMs, level }) => ({ id, createdAtMs, level }));
}

describe('inImportOrder', () => {
  const entries = fc.array(
    fc.record({
      createdAtMs: fc.integer({ min: 0, max: 4 }),
      level: fc.constantFrom<Level>('immediate', 'short_term', 'long_term'),
    }),
    { maxLength: 40 },
  );

  it('is one from which an import restores the list, ties and all, and the order in bounded levels', async () => {
    await fc.assert(
      fc.asyncProperty(entries, async (found) => {
        const list = listOf(found.map((entry, place) => ({ ...entry, id: String(place) })));
        const lines = await exported(list);
        expect(listOf(lines)).toEqual(list);
        const bounded = lines.filter(({ level }) => level !== 'long_term').map(({ createdAtMs }) => createdAtMs);
        expect(bounded).toEqual(bounded.toSorted((a, b) => a - b));
      }),
      { seed: 20, numRuns: 200 },
    );
  });

  it('holds no long-term context back but those created together with others', async () => {
    const list = listOf(
      Array.from({ length: 50 }, (_, place) => ({
        id: String(place),
        createdAtMs: place,
        level: 'long_term' as const,
      })),
    );
    expect(await exported(list)).toEqual(list);
  });
});

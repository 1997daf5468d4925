import { afterEach, beforeEach, expect, it } from 'vitest';
import { createLocalProvider } from '../../../../src/embedding/local.ts';
import { readWordTable } from '../../../../src/embedding/word-table.ts';
import { openMemory, type MemoryFixture } from '../../../support/memory-fixture.ts';

let fixture: MemoryFixture;
beforeEach(async () => {
  fixture = await openMemory({ provider: createLocalProvider({ dimension: 1024, table: await readWordTable() }) });
});
afterEach(() => fixture.close());

it('an identifier in a long text stands before others that are spelled like it in short ones', async () => {
  const store = (text: string) =>
    fixture.memory.store({ namespace: 'n', agentId: 'a', level: 'long_term' as const, text });
  const filler = 'the ship enters the harbour at night and the crew sleeps until the morning comes. '.repeat(40);
  await store(`wax119x3f2a91cc ${filler}`);
  for (let i = 0; i < 40; i++) await store(`wax11${i % 10}x3f2a9${(i * 7 + 100).toString(16)} moored`);
  const { contexts } = await fixture.memory.query({ namespace: 'n', query: 'wax119x3f2a91cc', limit: 3 });
  expect(contexts[0]?.record.text.slice(0, 15)).toBe('wax119x3f2a91cc');
});

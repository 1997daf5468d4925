import { expect, it } from 'vitest';
import { MESSAGES } from '../../../src/protocol/messages.ts';
import { createMessageTable } from '../../../src/server/message-table.ts';

it('says of every request what the gate must know', () => {
  const rows = [...createMessageTable().values()].map(({ type, scope, reach, bounded }) => [type, scope, reach, bounded]);
  expect(rows).toEqual([
    ['ping', 'any', 'none', false],
    ['context.store', 'write', 'payload', true],
    ['context.store_batch', 'write', 'items', true],
    ['context.query', 'read', 'payload', true],
    ['context.get', 'read', 'payload', true],
    ['context.update', 'write', 'payload', true],
    ['context.delete', 'write', 'payload', true],
    ['context.list', 'read', 'payload', true],
    ['level.clear', 'admin', 'payload', true],
    ['stats', 'read', 'payload_or_all', true],
    ['admin.gc', 'admin', 'server', true],
    ['admin.cache_clear', 'admin', 'server', true],
  ]);
});

it('gives no request of the protocol that names a namespace a way around it', () => {
  const table = createMessageTable();
  for (const { type, namespaced } of MESSAGES) {
    expect([type, namespaced]).toEqual([type, ['payload', 'items', 'payload_or_all'].includes(table.get(type)!.reach)]);
  }
});

import { expect, it } from 'vitest';
import { MESSAGES } from '../../../src/protocol/messages.ts';
import { createOperations } from '../../../src/api/operations.ts';

it('says of every request what the gate must know', () => {
  const rows = [...createOperations().values()].map(({ type, scope, reach, bounded }) => [type, scope, reach, bounded]);
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
  const table = createOperations();
  for (const { type, namespaced } of MESSAGES) {
    expect([type, namespaced]).toEqual([type, ['payload', 'items', 'payload_or_all'].includes(table.get(type)!.reach)]);
  }
});

it('expects of a reply what its request asks for', () => {
  const table = createOperations();
  const expected = (type: string, payload: object = {}): number =>
    table.get(type)!.replyBytes(payload as Record<string, unknown>);
  expect(expected('ping')).toBe(0);
  expect(expected('context.store')).toBeLessThan(1_000);
  expect(expected('context.store_batch', { contexts: [{}, {}, {}] })).toBe(256 + 3 * 128);
  expect(expected('context.list')).toBe(1024 * 1024);
  expect(expected('context.list', { limit: 1_000 })).toBe(1024 * 1024);
  expect(expected('context.list', { limit: 2 })).toBe(256 + 2 * 65_536);
  expect(expected('context.get')).toBe(65_536);
  expect(expected('context.query')).toBe(expected('context.query', { max_tokens: 4_000, limit: 50 }));
  expect(expected('context.query', { max_tokens: 1_000_000 })).toBeGreaterThan(8_000_000);
});

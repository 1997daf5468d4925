import { expect, it } from 'vitest';
import { createOperations } from '../../../src/api/operations.ts';
import { LIST_PAGE_BYTES_MAX } from '../../../src/store/store.ts';
import { DECLARED } from '../../support/declared-messages.ts';

it.each(DECLARED)('knows of $type what is declared, and who answers it', ({ type, scope, namespace }) => {
  expect(createOperations().get(type)).toMatchObject({
    type,
    scope,
    reach: namespace,
    bounded: scope !== 'any',
    handle: expect.any(Function) as unknown,
  });
});

it('lets nobody but administrators act on the whole server', () => {
  const wrong = DECLARED.filter(({ scope, namespace }) => namespace === 'server' && scope !== 'admin');
  expect(wrong.map(({ type }) => type)).toEqual([]);
});

it('expects of a reply what its request asks for', () => {
  const table = createOperations();
  const expected = (type: string, payload: object = {}): number =>
    table.get(type)!.replyBytes(payload as Record<string, unknown>);
  expect(expected('ping')).toBe(0);
  expect(expected('context.store')).toBeLessThan(1_000);
  expect(expected('context.store_batch', { contexts: [{}, {}, {}] })).toBe(256 + 3 * 128);
  expect(expected('context.list')).toBe(LIST_PAGE_BYTES_MAX);
  expect(expected('context.list', { limit: 1_000 })).toBe(LIST_PAGE_BYTES_MAX);
  expect(expected('context.list', { limit: 2 })).toBe(256 + 2 * 65_536);
  expect(expected('context.get')).toBe(65_536);
  expect(expected('context.query')).toBe(expected('context.query', { max_tokens: 4_000, limit: 50 }));
  expect(expected('context.query', { max_tokens: 1_000_000 })).toBeGreaterThan(8_000_000);
});

import { expect, it } from 'vitest';
import { NamespaceSet } from '../../../../src/base/namespace-set.ts';
import { put, sample } from '../../../contract/store-samples.ts';
import { DIMENSION, openAt, temporaryFolder } from '../../../fault/store-setup.ts';

const COUNT = 4_100;

it('tells of very many namespaces, page by page, each once and by name', async () => {
  const folder = await temporaryFolder();
  const store = await openAt(folder);
  // Not in the order of their names.
  const names = Array.from({ length: COUNT }, (_, i) => `team-${i % 2}:${(i * 7_919) % COUNT}`);
  await store.write(names.map((namespace) => put(sample('a', DIMENSION, { namespace }))));
  const sorted = [...names].sort();
  const counts = { immediate: 1, short_term: 0, long_term: 0 };
  expect(await store.namespaces()).toEqual(sorted.map((namespace) => ({ namespace, counts })));
  await store.close();
  const again = await openAt(folder);
  const found = await again.namespaces(undefined, new NamespaceSet(['team-1:*', 'team-0:0', 'nobody']));
  expect(found.map(({ namespace }) => namespace)).toEqual(sorted.filter((name) => /^team-1:|^team-0:0$/.test(name)));
});

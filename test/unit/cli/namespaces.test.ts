import { describe, expect, it } from 'vitest';
import { LineError } from '../../../src/cli/transfer/line.ts';
import { ContextManagerError } from '../../../clients/typescript/src/index.ts';
import {
  describeSizes,
  namespaceRule,
  selectNamespaces,
  type NamespaceSource,
} from '../../../src/cli/transfer/namespaces.ts';

describe('the namespace of an imported line', () => {
  it('is its own, else that of the environment, else the key’s', () => {
    expect(namespaceRule(['*'], {})('a')).toBe('a');
    expect(namespaceRule(['*'], {})(undefined)).toBeUndefined();
    expect(namespaceRule(['a'], {})(undefined)).toBeUndefined();
    expect(namespaceRule(['*'], { fallback: 'b' })(undefined)).toBe('b');
    expect(namespaceRule(['*'], { fallback: 'b' })('a')).toBe('a');
  });

  it('is the one on the command line, whatever the line names', () => {
    expect(namespaceRule(['*'], { override: 'b' })('a')).toBe('b');
    expect(namespaceRule(['b'], { override: 'b' })('a')).toBe('b');
  });

  it('that the key may not use is refused, with those that it has', () => {
    expect(() => namespaceRule(['a', 'b'], {})('c')).toThrow(LineError);
    expect(() => namespaceRule(['a', 'b'], {})('c')).toThrow('may not use the namespace `c`; it has a, b');
    expect(() => namespaceRule(['a'], { override: 'c' })).toThrow('this key may not use the namespace c; it has a');
  });

  it('must be chosen where the key has several', () => {
    expect(() => namespaceRule(['a', 'b'], {})(undefined)).toThrow('choose one with --namespace');
    expect(namespaceRule(['a', 'b'], { fallback: 'b' })(undefined)).toBe('b');
    expect(() => namespaceRule(['a:*'], {})(undefined)).toThrow('choose one with --namespace');
    expect(namespaceRule(['a:*'], {})('a:b')).toBe('a:b');
    expect(() => namespaceRule(['a:*'], {})('a')).toThrow('may not use the namespace `a`');
  });
});

/** A client of a key that has these namespaces, on a server that holds so many contexts in each. */
function clientOf(namespaces: readonly string[], sizes: Readonly<Record<string, number>> | undefined): NamespaceSource {
  const reply = {
    namespaces: Object.entries(sizes ?? {}).map(([namespace, contexts]) => ({
      namespace,
      counts: { immediate: 0, short_term: 1, long_term: contexts - 1, total: contexts },
    })),
  };
  return {
    namespaces,
    listNamespaces: () =>
      sizes === undefined
        ? Promise.reject(new ContextManagerError('UNKNOWN_TYPE', 'unknown type'))
        : Promise.resolve(reply),
  };
}

const ALL = { all: true, isNarrowed: false };
const OPEN = { all: false, isNarrowed: false };

describe('the namespaces of an export', () => {
  it('of a key with a prefix are chosen, or all that there are', async () => {
    const client = clientOf(['a:*'], { 'a:x': 1, 'a:y': 2 });
    await expect(selectNamespaces(client, OPEN)).rejects.toThrow('all namespaces of a:*: choose one');
    expect(await selectNamespaces(client, ALL)).toEqual({ namespaces: ['a:x', 'a:y'], leftOut: [] });
    expect(await selectNamespaces(client, { ...OPEN, namespace: 'a:x' })).toEqual({ namespaces: ['a:x'], leftOut: [] });
  });

  it('are, where nothing is said, the only one of the key', async () => {
    expect(await selectNamespaces(clientOf(['a'], undefined), OPEN)).toEqual({ namespaces: ['a'], leftOut: [] });
    await expect(selectNamespaces(clientOf(['b', 'a'], undefined), OPEN)).rejects.toMatchObject({
      exitCode: 2,
      message: 'this key has 2 namespaces (b, a): choose one with --namespace, or take all with --all',
    });
  });

  it('are all, by name, where that is asked', async () => {
    const expected = { namespaces: ['a', 'b', 'default'], leftOut: [] };
    expect(await selectNamespaces(clientOf(['b', 'default', 'a'], undefined), ALL)).toEqual(expected);
    expect(await selectNamespaces(clientOf(['*'], { default: 5, b: 1, a: 2 }), ALL)).toEqual(expected);
    expect(await selectNamespaces(clientOf(['*'], {}), ALL)).toEqual({ namespaces: [], leftOut: [] });
  });

  it('are the one that is named, without a question', async () => {
    const wanted = { ...OPEN, namespace: 'x' };
    expect(await selectNamespaces(clientOf(['*'], undefined), wanted)).toEqual({ namespaces: ['x'], leftOut: [] });
  });

  it('are the default one for a key of every namespace, and the others are told', async () => {
    const { namespaces, leftOut } = await selectNamespaces(clientOf(['*'], { b: 1, default: 5, a: 1200 }), OPEN);
    expect(namespaces).toEqual(['default']);
    expect(describeSizes(leftOut)).toBe('a (1,200 contexts), b (1 context)');
    expect(await selectNamespaces(clientOf(['*'], { default: 5 }), OPEN)).toEqual({ namespaces, leftOut: [] });
    expect(await selectNamespaces(clientOf(['*'], {}), OPEN)).toEqual({ namespaces, leftOut: [] });
  });

  it('are none where the default one is empty and others are not, unless only some contexts are wanted', async () => {
    const client = clientOf(['*'], { a: 3, b: 4 });
    await expect(selectNamespaces(client, OPEN)).rejects.toMatchObject({
      exitCode: 1,
      message: 'nothing was exported: the namespace `default` is empty, but there are a (3 contexts), b (4 contexts)',
      remedy: '--all exports every namespace, --namespace one of them.',
    });
    expect(await selectNamespaces(client, { ...OPEN, isNarrowed: true })).toMatchObject({ namespaces: ['default'] });
  });

  it('cannot be all where the server is too old to tell', async () => {
    const client = clientOf(['*'], undefined);
    await expect(selectNamespaces(client, ALL)).rejects.toThrow('this server cannot tell which namespaces it has');
    expect(await selectNamespaces(client, OPEN)).toEqual({ namespaces: ['default'], leftOut: [] });
  });
});

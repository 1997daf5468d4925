import { describe, expect, it } from 'vitest';
import { NAMESPACE_ENTRY, NamespaceSet } from '../../../src/base/namespace-set.ts';

describe('the namespaces of a key', () => {
  it.each<[readonly string[], readonly string[], readonly string[]]>([
    [
      ['team-a:*'],
      ['team-a:x', 'team-a:x:y', 'team-a:'],
      ['team-a', 'team-ab:x', 'team-', 'x:team-a:y', '*', 'TEAM-A:x'],
    ],
    [
      ['team-a:sub:*', 'b'],
      ['team-a:sub:x', 'b'],
      ['team-a:x', 'team-a:sub', 'b:x', 'b:'],
    ],
    [['a.b-c_d:*'], ['a.b-c_d:x'], ['aXb-c_d:x']],
    [['*'], ['anything', 'a:b'], []],
    [['constructor', '__proto__'], ['__proto__'], ['toString']],
  ])('%j are %j and not %j', (entries, own, others) => {
    const set = new NamespaceSet(entries);
    expect(own.filter((name) => !set.has(name))).toEqual([]);
    expect(others.filter((name) => set.has(name))).toEqual([]);
  });

  it.each<[readonly string[], readonly string[], boolean]>([
    [['*'], ['*'], true],
    [['a'], ['*'], false],
    [['a:*'], ['*'], false],
    [['a:*'], ['a:b', 'a:b:*', 'a:*'], true],
    [['a:b:*'], ['a:*'], false],
    [['a:'], ['a:*'], false],
    [['a'], ['a:*'], false],
    [['a:*'], ['a'], false],
    [['a', 'b'], ['b'], true],
  ])('%j cover %j: %s', (entries, others, covers) => {
    expect(new NamespaceSet(entries).covers(new NamespaceSet(others))).toBe(covers);
  });

  it('are written as names, prefixes up to a colon, or the star', () => {
    const good = ['*', 'a', 'team-a:*', 'a:b:*', 'x'.repeat(128), `${'x'.repeat(126)}:*`];
    const bad = [
      '',
      'a*',
      ':*',
      'team-a/*',
      'a.*',
      '**',
      'a:**',
      'a:*b',
      'a:*:b',
      'x'.repeat(129),
      `${'x'.repeat(127)}:*`,
      'a\n',
    ];
    expect(good.filter((entry) => !NAMESPACE_ENTRY.test(entry))).toEqual([]);
    expect(bad.filter((entry) => NAMESPACE_ENTRY.test(entry))).toEqual([]);
  });

  it('are found as fast among ten thousand as among a few', () => {
    const set = new NamespaceSet(Array.from({ length: 10_000 }, (_, i) => `t${i}:*`));
    expect(set.has('t9999:x')).toBe(true);
    expect(set.has(':'.repeat(128))).toBe(false);
  });
});

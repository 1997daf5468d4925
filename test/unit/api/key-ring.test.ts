import { describe, expect, it } from 'vitest';
import { StartupError } from '../../../src/base/errors.ts';
import { systemRandom } from '../../../src/base/random.ts';
import { KeyRing, type KeyConfig } from '../../../src/api/key-ring.ts';
import { FakeClock } from '../../support/fake-clock.ts';

function key(changes: Partial<KeyConfig> = {}): KeyConfig {
  return { id: 'k', secret: 'x'.repeat(32), scopes: ['read'], namespaces: ['a'], ...changes };
}

function ring(...keys: KeyConfig[]): KeyRing {
  return new KeyRing(keys, new FakeClock(), systemRandom);
}

describe('candidates', () => {
  it('are two for every id, known or not, so that each costs the same work', () => {
    const keys = ring(key(), key({ id: 'rotated' }), key({ id: 'rotated', secret: 'y'.repeat(40) }));
    const principals = (id: string): boolean[] => keys.candidates(id).map(({ principal }) => principal !== null);
    expect(principals('k')).toEqual([true, false]);
    expect(principals('rotated')).toEqual([true, true]);
    expect(principals('unknown')).toEqual([false, false]);
    expect(principals('__proto__')).toEqual([false, false]);
    for (const id of ['k', 'unknown']) for (const { secret } of keys.candidates(id)) expect(secret.length).toBe(32);
  });

  it('takes a string for its UTF-8', () => {
    expect(ring(key({ secret: 'ä'.repeat(16) })).candidates('k')[0]!.secret).toEqual(Buffer.from('ä'.repeat(16)));
  });

  it('shares one bucket among the connections of a key', () => {
    const keys = ring(key({ rateLimit: { perSecond: 1, burst: 1 } }));
    expect(keys.candidates('k')[0]!.principal).toBe(keys.candidates('k')[0]!.principal);
    expect(keys.candidates('k')[0]!.principal!.bucket!.take()).toBe(0);
    expect(keys.candidates('k')[0]!.principal!.bucket!.take()).toBe(1_000);
  });
});

describe('refuses at start', () => {
  it.each<[string, KeyConfig[]]>([
    ['a secret of 31 bytes', [key({ secret: 'x'.repeat(31) })]],
    ['a third secret', [key(), key({ secret: 'y'.repeat(32) }), key({ secret: 'z'.repeat(32) })]],
    ['no namespace', [key({ namespaces: [] })]],
    ['* among names', [key({ namespaces: ['a', '*'] })]],
  ])('%s', (_what, keys) => {
    expect(() => ring(...keys)).toThrow(StartupError);
    expect(() => ring(...keys)).not.toThrow(/xxxx/);
  });
});

describe('a principal', () => {
  it.each<[readonly string[], string | null]>([
    [['a'], 'a'],
    [['*'], 'default'],
    [['a', 'b'], null],
    [['a:*'], null],
  ])('of the namespaces %o means %s where none is named', (namespaces, expected) => {
    expect(ring(key({ namespaces })).candidates('k')[0]!.principal!.defaultNamespace).toBe(expected);
  });

  it('sees its names and no others, and every one with *', () => {
    const names = ring(key({ namespaces: ['a', 'b'] })).candidates('k')[0]!.principal!;
    expect(['a', 'b', 'c', '*', 'A'].map((name) => names.mayUse(name))).toEqual([true, true, false, false, false]);
    const all = ring(key({ namespaces: ['*'] })).candidates('k')[0]!.principal!;
    expect(all.mayUse('anything')).toBe(true);
  });

  it('expires at its moment', () => {
    const principal = ring(key({ notAfterMs: 1_000 })).candidates('k')[0]!.principal!;
    expect([principal.endedBecause(999), principal.endedBecause(1_000)]).toEqual([null, 'the key has expired']);
    expect(ring(key()).candidates('k')[0]!.principal!.endedBecause(Infinity)).toBe(null);
    expect(principal.isRevoked).toBe(false);
  });

  it('of a disabled key counts no more, and one of an id may be disabled', () => {
    const keys = ring(key({ disabled: true }), key({ secret: 'y'.repeat(32) }));
    const [old, newer] = keys.candidates('k').map(({ principal }) => principal!);
    expect([old!.endedBecause(0), newer!.endedBecause(0)]).toEqual([
      'the key, or this secret of it, is disabled',
      null,
    ]);
    expect([old!.isRevoked, newer!.isRevoked]).toEqual([true, false]);
    expect(keys.principalOf('k')).toBe(newer);
    const swapped = ring(key(), key({ secret: 'y'.repeat(32), disabled: true }));
    expect(swapped.principalOf('k')!.isDisabled).toBe(false);
    expect(keys.replace([key({ disabled: true }), key({ secret: 'y'.repeat(32), disabled: true })]).changed).toEqual([
      'k',
    ]);
    expect(newer!.isRevoked).toBe(true);
  });

  it('counts how much its key is used, with whatever secret, through changes of it', () => {
    const keys = ring(key(), key({ secret: 'y'.repeat(32) }));
    const [old, newer] = keys.candidates('k').map(({ principal }) => principal!);
    old!.use.asked(5);
    newer!.use.entered(7);
    keys.replace([key({ secret: 'z'.repeat(32) })]);
    keys.principalOf('k')!.use.asked(9);
    keys.recall('k', 10, 1);
    expect(keys.uses.get('k')).toMatchObject({ requests: 12, lastUsedAtMs: 9 });
  });
});

describe('keys that are replaced', () => {
  const SECRET = 'y'.repeat(32);
  const principals = (keys: KeyRing, id = 'k') => keys.candidates(id).map(({ principal }) => principal);

  it('change in place, whoever holds them, and say which', () => {
    const keys = ring(key(), key({ id: 'gone' }), key({ id: 'same' }));
    const [before] = principals(keys);
    const [gone] = principals(keys, 'gone');
    const changes = keys.replace([
      key({ scopes: ['write'], namespaces: ['b'], notAfterMs: 5 }),
      key({ id: 'same' }),
      key({ id: 'new' }),
    ]);
    expect(changes).toEqual({ added: ['new'], removed: ['gone'], changed: ['k'] });
    expect(principals(keys)[0]).toBe(before);
    expect([before!.has('read'), before!.has('write'), before!.mayUse('a'), before!.mayUse('b')]).toEqual([
      false,
      true,
      false,
      true,
    ]);
    expect([before!.defaultNamespace, before!.endedBecause(4), before!.endedBecause(5)]).toEqual([
      'b',
      null,
      'the key has expired',
    ]);
    expect(gone!.endedBecause(0)).toContain('removed');
    expect(principals(keys, 'gone')).toEqual([null, null]);
  });

  it('end with the secret that they were proven by', () => {
    const keys = ring(key());
    const [old] = principals(keys);
    expect(keys.replace([key(), key({ secret: SECRET })]).changed).toEqual(['k']);
    const [first, second] = principals(keys);
    expect(first).toBe(old);
    expect(keys.replace([key({ secret: SECRET })]).changed).toEqual(['k']);
    expect([old!.endedBecause(0), second!.endedBecause(0)]).toEqual([expect.stringContaining('removed'), null]);
    expect(principals(keys)).toEqual([second, null]);
    // What was removed does not come back to life: it has to connect again.
    keys.replace([key()]);
    expect(old!.endedBecause(0)).toContain('removed');
  });

  it('keep what they have taken, of which two secrets of a key share one account', () => {
    const rateLimit = { perSecond: 1, burst: 2 };
    const keys = ring(key({ rateLimit }), key({ secret: SECRET, rateLimit }));
    const [one, other] = principals(keys);
    expect([one!.bucket!.take(), other!.bucket!.take(), one!.bucket!.take()]).toEqual([0, 0, 1_000]);
    expect(keys.replace([key({ rateLimit }), key({ secret: SECRET, rateLimit }), key({ id: 'new' })]).changed).toEqual(
      [],
    );
    expect(one!.bucket!.take()).toBe(1_000);
    keys.replace([key({ secret: SECRET, rateLimit: { perSecond: 1, burst: 3 } })]);
    expect([other!.bucket!.take(), other!.bucket!.take()]).toEqual([0, 1_000]);
    keys.replace([key({ secret: SECRET })]);
    expect(other!.bucket).toBeNull();
  });

  it.each<[string, KeyConfig[]]>([
    ['a short secret', [key({ id: 'new' }), key({ secret: 'short' })]],
    ['a third secret', [key(), key({ secret: SECRET }), key({ secret: 'z'.repeat(32) })]],
  ])('are as they were where there is %s among them', (_what, refused) => {
    const keys = ring(key({ id: 'old' }));
    const [old] = principals(keys, 'old');
    expect(() => keys.replace(refused)).toThrow(StartupError);
    expect([principals(keys, 'old')[0], old!.endedBecause(0), principals(keys, 'new')]).toEqual([
      old,
      null,
      [null, null],
    ]);
  });
});

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
    expect([principal.hasExpired(999), principal.hasExpired(1_000)]).toEqual([false, true]);
    expect(ring(key()).candidates('k')[0]!.principal!.hasExpired(Infinity)).toBe(false);
  });
});

import { describe, expect, it } from 'vitest';
import { KeyRing } from '../../../../../src/api/key-ring.ts';
import { systemRandom } from '../../../../../src/base/random.ts';
import { Logins } from '../../../../../src/fronts/http/dashboard/logins.ts';
import { FakeClock } from '../../../../support/fake-clock.ts';

const SECRETS = ['the first secret of the key, of long', 'the second secret of the key, as long'];
const HOUR_MS = 3_600_000;

function start(more: object = {}): { clock: FakeClock; logins: Logins } {
  const clock = new FakeClock();
  const key = { id: 'a', scopes: ['read'] as const, namespaces: ['home'], ...more };
  const keys = new KeyRing(
    SECRETS.map((secret) => ({ ...key, secret })),
    clock,
    systemRandom,
  );
  return { clock, logins: new Logins({ keys, clock, random: systemRandom }) };
}

function tokenOf(logins: Logins, secret = SECRETS[0]!): string {
  return logins.start('a', secret)!.token;
}

describe('a login', () => {
  it('is made with either secret of a key, and lasts twelve hours', () => {
    const { clock, logins } = start();
    for (const secret of SECRETS) {
      const login = logins.start('a', secret)!;
      expect(login.principal.keyId).toBe('a');
      expect(login.expiresAtMs).toBe(clock.nowMs() + 12 * HOUR_MS);
    }
    expect(logins.start('a', `${SECRETS[0]!}x`)).toBeNull();
    expect(logins.start('b', SECRETS[0]!)).toBeNull();
  });

  it('is over when it was not used for an hour', () => {
    const { clock, logins } = start();
    const token = tokenOf(logins);
    clock.advance(HOUR_MS - 1);
    expect(logins.use(token)).not.toBeNull();
    clock.advance(HOUR_MS - 1);
    expect(logins.use(token)).not.toBeNull();
    clock.advance(HOUR_MS);
    expect(logins.use(token)).toBeNull();
    expect(logins.use(token)).toBeNull();
  });

  it('is over after an hour, though a page that is open looks every second whether it lasts', () => {
    const { clock, logins } = start();
    const token = tokenOf(logins);
    for (let seconds = 1; seconds < 3600; seconds++) {
      clock.advance(1000);
      expect(logins.lasts(token)).toBe(true);
    }
    clock.advance(1000);
    expect(logins.lasts(token)).toBe(false);
    expect(logins.use(token)).toBeNull();
  });

  it('is over after twelve hours, however it is used, and tells the same end all the time', () => {
    const { clock, logins } = start();
    const { token, expiresAtMs } = logins.start('a', SECRETS[0]!)!;
    for (let half = 1; half < 24; half++) {
      clock.advance(HOUR_MS / 2);
      expect(logins.use(token)?.expiresAtMs).toBe(expiresAtMs);
    }
    clock.advance(HOUR_MS / 2);
    expect(logins.use(token)).toBeNull();
  });

  it('is over with its key', () => {
    const clock = new FakeClock();
    const { logins } = start({ notAfterMs: clock.nowMs() + 1000 });
    expect(logins.start('a', SECRETS[0]!)?.expiresAtMs).toBe(clock.nowMs() + 1000);
    const world = start({ notAfterMs: clock.nowMs() + 1000 });
    const token = tokenOf(world.logins);
    world.clock.advance(1000);
    expect(world.logins.use(token)).toBeNull();
    expect(world.logins.start('a', SECRETS[0]!)).toBeNull();
  });

  it('makes room for others of its key, the one that was not used for longest first', () => {
    const { logins } = start();
    const [first = '', second = '', ...others] = Array.from({ length: 32 }, () => tokenOf(logins));
    expect(logins.use(first)).not.toBeNull();
    tokenOf(logins);
    expect(logins.use(second)).toBeNull();
    for (const token of [first, ...others]) expect(logins.use(token)).not.toBeNull();
  });

  it('stays, however often others log in with another key', () => {
    const clock = new FakeClock();
    const key = { scopes: ['read'] as const, namespaces: ['home'] };
    const keys = SECRETS.map((secret, place) => ({ ...key, id: 'ab'[place]!, secret }));
    const logins = new Logins({ keys: new KeyRing(keys, clock, systemRandom), clock, random: systemRandom });
    const token = tokenOf(logins);
    for (let i = 0; i < 300; i++) expect(logins.start('b', SECRETS[1]!)).not.toBeNull();
    expect(logins.use(token)).not.toBeNull();
  });

  it('counts as a request of its key, where the secret is right', () => {
    const { clock, logins } = start({ rateLimit: { perSecond: 1, burst: 2 } });
    for (let i = 0; i < 5; i++) expect(logins.start('a', 'wrong')).toBeNull();
    const tokens = [tokenOf(logins), tokenOf(logins)];
    expect(() => tokenOf(logins)).toThrow(expect.objectContaining({ code: 'RATE_LIMITED', retryAfterMs: 1000 }));
    for (const token of tokens) expect(logins.use(token)).not.toBeNull();
    clock.advance(1000);
    expect(tokenOf(logins)).toMatch(/./);
  });
});

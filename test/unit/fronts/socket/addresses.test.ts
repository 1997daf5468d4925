import { describe, expect, it } from 'vitest';
import { Addresses } from '../../../../src/fronts/socket/addresses.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

describe('addresses', () => {
  it('have so many connections at a time, each for itself', () => {
    const addresses = new Addresses({ maxConnections: 2, requests: null }, new FakeClock());
    const [first, second] = [addresses.enter('10.0.0.1'), addresses.enter('10.0.0.1')];
    expect([first?.bucket(), second?.bucket(), addresses.enter('10.0.0.1')]).toEqual([null, null, null]);
    expect(addresses.enter('10.0.0.2')).not.toBeNull();
    first?.leave();
    first?.leave();
    expect(addresses.enter('10.0.0.1')).not.toBeNull();
    expect(addresses.enter('10.0.0.1')).toBeNull();
  });

  it('have one rate over all their connections, also those to come', () => {
    const clock = new FakeClock();
    const addresses = new Addresses({ maxConnections: 10, requests: { perSecond: 1, burst: 2 } }, clock);
    const first = addresses.enter('10.0.0.1');
    expect([first?.bucket()?.take(), addresses.enter('10.0.0.1')?.bucket()?.take()]).toEqual([0, 0]);
    first?.leave();
    expect(addresses.enter('10.0.0.1')?.bucket()?.take()).toBe(1_000);
    expect(addresses.enter('10.0.0.2')?.bucket()?.take()).toBe(0);
    clock.advance(1_000);
    expect(addresses.enter('10.0.0.1')?.bucket()?.take()).toBe(0);
  });
});

describe('limits of addresses that change', () => {
  it('hold for connections that are open, which keep what they have taken', () => {
    const clock = new FakeClock();
    const addresses = new Addresses({ maxConnections: 1, requests: { perSecond: 1, burst: 2 } }, clock);
    const visit = addresses.enter('10.0.0.1');
    visit?.bucket()?.take();
    addresses.change({ maxConnections: 2, requests: { perSecond: 1, burst: 3 } });
    expect(addresses.enter('10.0.0.1')).not.toBeNull();
    expect([visit?.bucket()?.take(), visit?.bucket()?.take(), visit?.bucket()?.take()]).toEqual([0, 0, 1_000]);
    addresses.change({ maxConnections: 2, requests: null });
    expect(visit?.bucket()).toBeNull();
    addresses.change({ maxConnections: 2, requests: { perSecond: 1, burst: 1 } });
    expect([visit?.bucket()?.take(), visit?.bucket()?.take()]).toEqual([0, 1_000]);
  });
});

import { describe, expect, it } from 'vitest';
import { Addresses, networkOf } from '../../../../src/fronts/socket/addresses.ts';
import { FakeClock } from '../../../support/fake-clock.ts';

describe('addresses', () => {
  it('have so many connections at a time, each for itself', () => {
    const addresses = new Addresses({ maxConnections: 2, requests: null }, new FakeClock());
    const [first, second] = [addresses.enter('10.0.0.1'), addresses.enter('10.0.0.1')];
    expect([first?.bucket, second?.bucket, addresses.enter('10.0.0.1')]).toEqual([null, null, null]);
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
    expect([first?.bucket?.take(), addresses.enter('10.0.0.1')?.bucket?.take()]).toEqual([0, 0]);
    first?.leave();
    expect(addresses.enter('10.0.0.1')?.bucket?.take()).toBe(1_000);
    expect(addresses.enter('10.0.0.2')?.bucket?.take()).toBe(0);
    clock.advance(1_000);
    expect(addresses.enter('10.0.0.1')?.bucket?.take()).toBe(0);
  });

  it.each([
    ['10.0.0.1', '10.0.0.1'],
    ['::ffff:10.0.0.1', '10.0.0.1'],
    ['::FFFF:10.0.0.1', '10.0.0.1'],
    ['::1', '0:0:0:0::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
    ['2001:db8::', '2001:db8:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['', ''],
  ])('%s counts as %s', (address, network) => {
    expect(networkOf(address)).toBe(network);
  });
});

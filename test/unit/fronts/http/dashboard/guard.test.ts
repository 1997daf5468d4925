import { networkInterfaces } from 'node:os';
import { describe, expect, it } from 'vitest';
import { Guard, isLoopback, type Incoming } from '../../../../../src/fronts/http/dashboard/guard.ts';

const guard = new Guard({ allowedHosts: ['::1:2:3', 'Münster.example'] });

function refusal(headers: Incoming['headers'], localAddress?: string): string | null {
  return guard.refusal({ method: 'GET', path: '/', headers, localAddress });
}

describe('a guard', () => {
  it.each([undefined, '', ' ', '.', ':80', '[', '[::1', 'a/b', 'a\\b', 'a?b', 'localhost@evil.example'])(
    'refuses the host %j',
    (host) => {
      expect(refusal({ ...(host === undefined ? {} : { host }) })).toContain('Host header');
    },
  );

  it.each([
    ['198.51.100.7', '198.51.100.7'],
    ['198.51.100.7:8080', '::ffff:198.51.100.7'],
    ['[2001:DB8:0:0::7]:8080', '2001:db8::7'],
    ['[fe80::7]', 'fe80::7%eth0'],
    ['[::1:2:3]', undefined],
    ['xn--mnster-3ya.example', undefined],
  ])('lets %s through where the connection came to %s', (host, localAddress) => {
    expect(refusal({ host }, localAddress)).toBeNull();
  });

  it('lets every address of this machine through, whichever the connection came to, and no other', () => {
    for (const { address, family } of Object.values(networkInterfaces()).flatMap((all) => all ?? []))
      expect(refusal({ host: family === 'IPv6' ? `[${address}]` : address }, '127.0.0.1')).toBeNull();
    expect(refusal({ host: '198.51.100.8' }, '198.51.100.7')).not.toBeNull();
    expect(refusal({ host: '[2001:db8::8]' }, '2001:db8::7')).not.toBeNull();
  });
});

it.each([
  ['127.0.0.1', true],
  ['127.255.0.3', true],
  ['::1', true],
  ['::ffff:127.0.0.1', true],
  ['128.0.0.1', false],
  ['::2', false],
  ['localhost', false],
  ['', false],
])('%j is loopback: %s', (address, expected) => {
  expect(isLoopback(address)).toBe(expected);
});

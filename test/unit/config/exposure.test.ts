import { describe, expect, it } from 'vitest';
import { exposureWarnings } from '../../../src/config/exposure.ts';
import { DEFAULTS } from '../../support/settings.ts';

const NAMES: Record<string, string> = {
  localhost: '127.0.0.1',
  'ip6-localhost': '::1',
  'debian-host': '127.0.1.1',
  'memory.example': '203.0.113.7',
  '0': '0.0.0.0',
};

function warnings(changes: { host?: string; httpHost?: string }): Promise<string[]> {
  return exposureWarnings({ ...DEFAULTS.server, ...changes }, (host) =>
    NAMES[host] === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve({ address: NAMES[host] }),
  );
}

describe('exposureWarnings', () => {
  it.each([
    '127.0.0.1',
    '127.9.9.9',
    '::1',
    '0:0:0:0:0:0:0:1',
    '::ffff:127.0.0.1',
    'localhost',
    'ip6-localhost',
    'debian-host',
  ])('has nothing to say of %s', async (host) => {
    expect(await warnings({ host, httpHost: host })).toEqual([]);
  });

  it.each([
    '0.0.0.0',
    '::',
    '0:0::0',
    '::ffff:0.0.0.0',
    '192.168.1.5',
    '10.0.0.1',
    'fe80::1',
    '2001:db8::1',
    'memory.example',
    '0',
  ])('tells of %s', async (host) => {
    const [socket, ...others] = await warnings({ host });
    expect(socket).toContain(`server.host = "${host}" lets other machines connect`);
    expect(socket).toContain('does not encrypt');
    expect(others).toEqual([]);
    const [http] = await warnings({ httpHost: host });
    expect(http).toContain(`server.http_host = "${host}" shows health and metrics`);
  });

  it('leaves a name without an address to the listener', async () => {
    expect(await warnings({ host: 'nowhere.example' })).toEqual([]);
  });
});

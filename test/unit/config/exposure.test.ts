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

function warnings(
  changes: { host?: string; httpHost?: string },
  gatewayHost?: string,
  ofTls: Partial<typeof DEFAULTS.tls> = {},
): Promise<string[]> {
  const tls = { ...DEFAULTS.tls, ...ofTls };
  const server = { ...DEFAULTS.server, ...changes };
  const gateway = { ...DEFAULTS.gateway, ...(gatewayHost !== undefined && { enabled: true, host: gatewayHost }) };
  return exposureWarnings({ server, gateway, tls }, (host) =>
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

  it('has nothing to say of what is encrypted, but that the other listener shows much without a key', async () => {
    const encrypted = { cert: 'server.crt', key: 'server.key' };
    const exposed = { host: '0.0.0.0', httpHost: '0.0.0.0' };
    expect(await warnings(exposed, '0.0.0.0', encrypted)).toEqual([
      expect.stringContaining('server.http_host') as string,
    ]);
    const [http, gateway] = await warnings(exposed, '0.0.0.0', { ...encrypted, http: false });
    expect([http, gateway]).toEqual([
      expect.stringContaining('server.http_host') as string,
      expect.stringContaining('gateway.host') as string,
    ]);
  });
});

import type { LookupAddress } from 'node:dns';
import { BlockList, isIP } from 'node:net';
import type { Settings } from './settings.ts';

/** As `dns.promises.lookup`. */
export type Lookup = (host: string) => Promise<Pick<LookupAddress, 'address'>>;

/** What to tell where the server listens to more than its own machine, and what it says is not encrypted. */
export async function exposureWarnings(
  { server: { host, httpHost }, gateway, tls }: Pick<Settings, 'server' | 'gateway' | 'tls'>,
  lookup: Lookup,
): Promise<string[]> {
  const warnings: string[] = [];
  const isEncrypted = tls.cert !== undefined;
  if (!isEncrypted && (await isExposed(host, lookup))) {
    warnings.push(
      `server.host = ${JSON.stringify(host)} lets other machines connect, and the protocol does not encrypt: set tls.cert and tls.key, put a private network between, or set SERVER__HOST=127.0.0.1`,
    );
  }
  if (await isExposed(httpHost, lookup)) {
    warnings.push(
      `server.http_host = ${JSON.stringify(httpHost)} shows health and metrics to other machines, without a key: keep that port in a private network, or set SERVER__HTTP_HOST=127.0.0.1`,
    );
  }
  if (gateway.enabled && !(isEncrypted && tls.http) && (await isExposed(gateway.host, lookup))) {
    warnings.push(
      `gateway.host = ${JSON.stringify(gateway.host)} lets other machines connect, and the gateway does not encrypt: set tls.cert and tls.key, put a private network between, or set GATEWAY__HOST=127.0.0.1`,
    );
  }
  return warnings;
}

/** A name counts by its address, as it does when it is listened on; one that has none cannot be. */
async function isExposed(host: string, lookup: Lookup): Promise<boolean> {
  try {
    const address = isIP(host) === 0 ? (await lookup(host)).address : host;
    const loopback = new BlockList();
    loopback.addSubnet('127.0.0.0', 8, 'ipv4');
    loopback.addAddress('::1', 'ipv6');
    return !loopback.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
  } catch {
    return false;
  }
}

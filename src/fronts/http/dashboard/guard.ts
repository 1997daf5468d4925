import type { IncomingHttpHeaders } from 'node:http';
import { BlockList, isIP } from 'node:net';
import { networkInterfaces } from 'node:os';

export interface GuardRules {
  /** Names, or addresses that this machine does not have itself, under which browsers may ask. */
  readonly allowedHosts: readonly string[];
}

/** What of a request says where its page comes from. */
export interface Incoming {
  readonly method: string;
  /** Without its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** The address that the connection came to; absent: it is closed. */
  readonly localAddress: string | undefined;
}

export const HOST_REFUSED = 'the Host header names neither this machine nor one of dashboard.allowed_hosts';

/**
 * Keeps pages of others from asking in the name of whoever sits at the browser. A name that somebody else has in his
 * power may point to this machine (DNS rebinding), and then the browser takes his page for ours: so only addresses of
 * this machine, `localhost` and names that the operator has listed are answered.
 */
export class Guard {
  readonly #hosts: ReadonlySet<string>;

  constructor({ allowedHosts }: GuardRules) {
    this.#hosts = new Set(['localhost', ...allowedHosts.map((host) => hostnameOf(host) ?? host.toLowerCase())]);
  }

  /** Why it is refused; null: it is not. */
  refusal(request: Incoming): string | null {
    const { host, origin } = request.headers;
    if (host === undefined || !this.isOurs(host, request.localAddress)) return HOST_REFUSED;
    if (origin !== undefined && !isSameOrigin(origin, host)) return 'the Origin header names another site';
    if (comesFromElsewhere(request)) return 'the request was made by a page of another site';
    return null;
  }

  /** Whether a Host header names this machine, or what is allowed besides. `localAddress`: that the connection came to. */
  isOurs(host: string | undefined, localAddress: string | undefined): boolean {
    const hostname = host === undefined ? null : hostnameOf(host);
    if (hostname === null) return false;
    if (this.#hosts.has(hostname)) return true;
    const address = hostname.replace(/^\[|\]$/g, '');
    if (isIP(address) === 0) return false;
    if (isLoopback(address) || address === plainAddress(localAddress)) return true;
    return Object.values(networkInterfaces()).some((all) => all?.some((one) => plainAddress(one.address) === address));
  }
}

/** In the URL standard's spelling, as addresses have several; null: it is not a host. */
function hostnameOf(host: string): string | null {
  // What comes behind a host in an address is no part of one; the parser would take it without a word.
  if (/[/\\?#@\s]/.test(host)) return null;
  return URL.parse(`http://${isIP(host) === 6 ? `[${host}]` : host}`)?.hostname.replace(/\.$/, '') || null;
}

/** Whatever scheme the browser sees: behind a proxy it is not the one that comes here. */
function isSameOrigin(origin: string, host: string): boolean {
  const from = URL.parse(origin);
  return from !== null && from.host !== '' && from.host === URL.parse(`${from.protocol}//${host}`)?.host;
}

/** A link on any page may lead here: that shows the page to whoever follows it, and tells the other one nothing. */
function comesFromElsewhere({ method, path, headers }: Incoming): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== 'cross-site' && site !== 'same-site') return false;
  const isFollowedLink = headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document';
  return !(isFollowedLink && path === '/' && method === 'GET');
}

/** As the runtime tells an address, in the spelling of an address in a URL. */
function plainAddress(address: string | undefined): string | null {
  if (address === undefined) return null;
  const [bare = ''] = address.replace(/^::ffff:(?=\d+\.)/i, '').split('%');
  return hostnameOf(bare)?.replace(/^\[|\]$/g, '') ?? null;
}

export function isLoopback(address: string): boolean {
  const family = isIP(address);
  if (family === 0) return false;
  const loopback = new BlockList();
  loopback.addSubnet('127.0.0.0', 8, 'ipv4');
  loopback.addAddress('::1', 'ipv6');
  return loopback.check(address, family === 6 ? 'ipv6' : 'ipv4');
}

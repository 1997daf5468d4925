import { DEFAULT_KEY_ID } from '../../../src/base/wire-names.ts';
import { addressText, parseAddress } from './addresses.ts';
import { checkMap } from './checks.ts';
import { ContextManagerError } from './errors.ts';

/** What a connection URL says; the addresses as `host:port` each. */
export interface ConnectionUrl {
  readonly addresses: readonly string[];
  readonly keyId?: string;
  readonly secret?: string;
}

const PORT_DEFAULT = 7420;
const CONNECTION_URL = /^context-manager:\/\/(?:([^/?#]*)@)?([^@/?#]+)\/?$/i;

/**
 * `context-manager://[key[:secret]@]host[:port][,host[:port]...]`. Key and secret are percent-decoded.
 * Throws `BAD_REQUEST`, which never repeats the URL: a secret may stand in it.
 */
export function parseConnectionUrl(url: string): ConnectionUrl {
  const parts = CONNECTION_URL.exec(url);
  if (parts === null)
    throw refused(
      'must be context-manager://key:secret@host:port; / @ ? # and % in key or secret are written as %2F %40 %3F %23 %25, and : in a key as %3A',
    );
  const [, user, hosts = ''] = parts;
  const [key = '', ...secret] = user?.split(':') ?? [];
  return {
    addresses: hosts.split(',').map(addressOf),
    ...(key !== '' && { keyId: decoded(key) }),
    ...(secret.length > 0 && { secret: decoded(secret.join(':')) }),
  };
}

function addressOf(text: string): string {
  const address = parseAddress(text) ?? parseAddress(`${text}:${PORT_DEFAULT}`);
  if (address === null) throw refused('must name each server as host or host:port, an IPv6 address in brackets');
  return addressText(address);
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw refused('has a % that begins no percent-encoded character; a % itself is written as %25');
  }
}

function refused(reason: string): ContextManagerError {
  return new ContextManagerError('BAD_REQUEST', `connect: url ${reason}`, {
    details: { fields: [{ field: '/url', reason }] },
  });
}

/**
 * The options with what their `url` says in its place; what they say themselves comes before it. A text is a URL, and
 * what stands beside it are the other options.
 */
export function withoutUrl(options: unknown, beside?: unknown): unknown {
  if (typeof options === 'string') {
    checkMap('connect', '/options', 'the options beside a URL', beside ?? {}, '');
    return withoutUrl({ ...(beside ?? {}), url: options });
  }
  if (beside !== undefined) throw refused('must be a text where options follow it');
  if (typeof options !== 'object' || options === null || !('url' in options) || options.url === undefined)
    return options;
  const { url, ...rest } = options;
  if (typeof url !== 'string') throw refused('must be a text');
  for (const name of ['host', 'port', 'addresses'])
    if (name in rest && rest[name as keyof typeof rest] !== undefined) throw refused(`cannot be given beside ${name}`);
  const given = Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined));
  return { keyId: DEFAULT_KEY_ID, ...parseConnectionUrl(url), ...given };
}

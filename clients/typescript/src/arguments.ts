import { SECRET_BYTES_MIN } from '../../../src/base/wire-limits.ts';
import { parseAddress } from './addresses.ts';
import {
  badRequest,
  checkMap,
  checkOptions,
  checks,
  isIntegerIn,
  isMap,
  isNumber,
  isText,
  optional,
  unless,
  type Check,
} from './checks.ts';
import type { NamedServers } from './types.ts';

const PORT_MAX = 65_535;
/** Servers that one client knows. */
const ADDRESSES_MAX = 100;
/** Connections that one client opens at once. */
const POOL_MAX = 1_000;

const text = unless(isText, 'must be a text that is not empty');
const flag = unless((value) => typeof value === 'boolean', 'must be true or false');
const count = (min: number): Check =>
  unless(
    (value) => value === Infinity || (Number.isInteger(value) && isNumber(value, min)),
    `must be an integer of at least ${min}`,
  );
const durationMs = unless((value) => isNumber(value, 1), 'must be a number of milliseconds, at least 1');
const waitMs = unless((value) => isNumber(value, 0), 'must be a number of milliseconds, at least 0');
// By what it does, not by its class: it may come from another realm.
const signal = unless(
  (value) => isMap(value) && typeof value['aborted'] === 'boolean' && typeof value['addEventListener'] === 'function',
  'must be an AbortSignal',
);

/** An IPv6 address has colons, too, but more than one. */
const HOST = /^(?:[^\s/:[\]]+|[^\s/[\]]*:[^\s/[\]]*:[^\s/[\]]*)$/;
const host: Check = (value) =>
  text(value) ??
  (HOST.test(value as string) ? null : 'must be a name or an address alone, without scheme, port, path or brackets');

const isBytes = (value: unknown): boolean => isText(value) || value instanceof Uint8Array;

const secret: Check = (value) => {
  const reason = unless(
    () => typeof value === 'string' || value instanceof Uint8Array,
    'must be a text or a Uint8Array',
  );
  if (reason(value) !== null) return reason(value);
  const bytes = Buffer.byteLength(value as string | Uint8Array);
  return bytes >= SECRET_BYTES_MIN ? null : `must be at least ${SECRET_BYTES_MIN} bytes (given: ${bytes})`;
};

const backoff: Check = (value) => {
  if (!isMap(value) || !isNumber(value['minMs'], 0) || !isNumber(value['maxMs'], 0))
    return 'must be { minMs, maxMs }, both milliseconds, at least 0';
  return (value['minMs'] as number) <= (value['maxMs'] as number)
    ? null
    : 'must have a minMs that is no more than its maxMs';
};

const pem = unless(isBytes, 'must be PEM: a text, or bytes');
const TLS = checks({
  ca: optional(
    unless(
      (value) => isBytes(value) || (Array.isArray(value) && value.every(isBytes)),
      'must be PEM: a text, bytes, or a list of these',
    ),
  ),
  cert: optional(pem),
  key: optional(pem),
  passphrase: optional(text),
  serverName: optional(text),
  rejectUnauthorized: optional(flag),
});

/** Looked at before the other options, or by their lack. */
const elsewhere: Check = () => null;

const ONE_SERVER = {
  url: elsewhere,
  addresses: elsewhere,
  host,
  port: unless((value) => isIntegerIn(value, 1, PORT_MAX), `must be an integer from 1 to ${PORT_MAX}`),
};

const notBeside: Check = (value) => (value === undefined ? null : 'cannot be given beside addresses');
const SEVERAL_SERVERS = {
  url: elsewhere,
  addresses: unless(
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= ADDRESSES_MAX &&
      value.every((address) => typeof address === 'string' && parseAddress(address) !== null),
    `must be a list of 1 to ${ADDRESSES_MAX} texts, each host:port, as "memory.internal:7420" or "[::1]:7420"`,
  ),
  host: notBeside,
  port: notBeside,
};

const HOW_TO_CONNECT = {
  keyId: text,
  secret,
  sender: optional(text),
  namespace: optional(text),
  pool: optional(unless((value) => isIntegerIn(value, 1, POOL_MAX), `must be an integer from 1 to ${POOL_MAX}`)),
  timeoutMs: optional(durationMs),
  connectTimeoutMs: optional(durationMs),
  maxInFlight: optional(count(1)),
  maxQueued: optional(count(0)),
  backoff: optional(backoff),
  client: optional(text),
  tls: optional(
    unless((value) => typeof value === 'boolean' || isMap(value), 'must be true, false or a map of TLS options'),
  ),
  signal: optional(signal),
};

const CONNECT_TO_ONE = checks({ ...ONE_SERVER, ...HOW_TO_CONNECT });
const CONNECT_TO_SEVERAL = checks({ ...SEVERAL_SERVERS, ...HOW_TO_CONNECT });
const CALL = checks({ timeoutMs: optional(waitMs), signal: optional(signal), traceparent: optional(text) });
const CLOSE = checks({ timeoutMs: optional(waitMs) });

const OPTIONS = 'the options';
const CONNECT_SHAPE = ': { host, port, keyId, secret, ... }, or with addresses or url for host and port';

/** Throws `BAD_REQUEST` that names what is wrong with the options of `connect`. */
export function checkConnectOptions(options: unknown): asserts options is NamedServers {
  checkMap('connect', '/', OPTIONS, options, CONNECT_SHAPE);
  checkOptions('connect', '', options, options['addresses'] === undefined ? CONNECT_TO_ONE : CONNECT_TO_SEVERAL);
  if (isMap(options['tls'])) checkOptions('connect: tls', '/tls', options['tls'], TLS);
}

/** The same for those of `close`. */
export function checkCloseOptions(options: unknown): void {
  checkMap('close', '/', OPTIONS, options, ': { timeoutMs }');
  checkOptions('close', '', options, CLOSE);
}

/** The same for a call. What its payload holds is the server's to judge. */
export function checkCall(type: unknown, payload: unknown, options: unknown): void {
  const reason = text(type);
  if (reason !== null) throw badRequest(`request: the type ${reason}`, [{ field: '/type', reason }]);
  const what = type as string;
  checkMap(what, '/', 'the payload', payload, '');
  checkMap(what, '/options', OPTIONS, options, ': { timeoutMs, signal, traceparent }');
  checkOptions(what, '/options', options, CALL);
}

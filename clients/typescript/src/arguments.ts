import { SECRET_BYTES_MIN } from '../../../src/base/wire-limits.ts';
import { parseAddress } from './addresses.ts';
import { ContextManagerError } from './errors.ts';
import type { NamedServers } from './types.ts';

/** What is wrong with a value; null: nothing. */
type Check = (value: unknown) => string | null;
/** By the names of what they check. */
type Checks = readonly (readonly [name: string, reasonAgainst: Check])[];

const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isNumber = (value: unknown, min: number): boolean => typeof value === 'number' && value >= min;
const isIntegerIn = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && isNumber(value, min) && (value as number) <= max;
const isMap = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !ArrayBuffer.isView(value);

const unless =
  (isRight: (value: unknown) => boolean, reason: string): Check =>
  (value) =>
    isRight(value) ? null : reason;
const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? null : check(value);

const text = unless(isText, 'must be a text that is not empty');
const count = (min: number): Check =>
  unless(
    (value) => value === Infinity || (Number.isInteger(value) && isNumber(value, min)),
    `must be an integer of at least ${min}`,
  );
const durationMs = unless((value) => isNumber(value, 1), 'must be a number of milliseconds, at least 1');
// By what it does, not by its class: it may come from another realm.
const signal = unless(
  (value) => isMap(value) && typeof value['aborted'] === 'boolean' && typeof value['addEventListener'] === 'function',
  'must be an AbortSignal',
);

const secret: Check = (value) => {
  if (typeof value !== 'string' && !(value instanceof Uint8Array)) return 'must be a text or a Uint8Array';
  const bytes = typeof value === 'string' ? Buffer.byteLength(value) : value.length;
  return bytes >= SECRET_BYTES_MIN ? null : `must be at least ${SECRET_BYTES_MIN} bytes`;
};

const backoff: Check = (value) => {
  if (!isMap(value) || !isNumber(value['minMs'], 0) || !isNumber(value['maxMs'], 0))
    return 'must be { minMs, maxMs }, in milliseconds, at least 0';
  return (value['minMs'] as number) <= (value['maxMs'] as number)
    ? null
    : 'must have a minMs that is no more than its maxMs';
};

const PORT_MAX = 65_535;
/** Servers that one client knows. */
const ADDRESSES_MAX = 100;
/** Connections that one client opens at once. */
const POOL_MAX = 1_000;

const ONE_SERVER: Checks = Object.entries<Check>({
  host: text,
  port: unless((value) => isIntegerIn(value, 1, PORT_MAX), `must be an integer from 1 to ${PORT_MAX}`),
});

const SEVERAL_SERVERS: Checks = Object.entries<Check>({
  addresses: unless(
    (value) =>
      Array.isArray(value) &&
      value.length > 0 &&
      value.length <= ADDRESSES_MAX &&
      value.every((address) => typeof address === 'string' && parseAddress(address) !== null),
    `must be a list of 1 to ${ADDRESSES_MAX} texts, each host:port, as "memory.internal:7420" or "[::1]:7420"`,
  ),
  host: unless((value) => value === undefined, 'cannot be given beside addresses'),
  port: unless((value) => value === undefined, 'cannot be given beside addresses'),
});

const CONNECT: Checks = Object.entries<Check>({
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
});

const waitMs = optional(unless((value) => isNumber(value, 0), 'must be a number of milliseconds, at least 0'));

const CALL: Checks = Object.entries<Check>({
  timeoutMs: waitMs,
  signal: optional(signal),
  traceparent: optional(text),
});

const CLOSE: Checks = Object.entries<Check>({ timeoutMs: waitMs });

/** Throws `BAD_REQUEST` that names what is wrong with the options of `connect`. */
export function checkConnectOptions(options: unknown): asserts options is NamedServers {
  if (!isMap(options))
    throw invalid(
      'connect',
      '/',
      'the options',
      'must be a map: { host, port, keyId, secret, ... }, or with addresses or url for host and port',
    );
  check('connect', '', options, [...(options['addresses'] === undefined ? ONE_SERVER : SEVERAL_SERVERS), ...CONNECT]);
}

/** The same for those of `close`. */
export function checkCloseOptions(options: unknown): void {
  if (!isMap(options)) throw invalid('close', '/', 'the options', 'must be a map: { timeoutMs }');
  check('close', '', options, CLOSE);
}

/** The same for a call. What its payload holds is the server's to judge. */
export function checkCall(type: unknown, payload: unknown, options: unknown): void {
  if (!isText(type)) throw invalid('request', '/type', 'the type', 'must be a text that is not empty');
  const what = type as string;
  if (!isMap(payload)) throw invalid(what, '/', 'the payload', 'must be a map');
  if (!isMap(options))
    throw invalid(what, '/options', 'the options', 'must be a map: { timeoutMs, signal, traceparent }');
  check(what, '/options', options, CALL);
}

function check(what: string, prefix: string, options: Readonly<Record<string, unknown>>, checks: Checks): void {
  // Every call comes by here, and most have nothing wrong with them.
  if (checks.every(([name, reasonAgainst]) => reasonAgainst(options[name]) === null)) return;
  const faults = checks.flatMap(([name, reasonAgainst]) => {
    const reason = reasonAgainst(options[name]);
    return reason === null ? [] : [{ name, reason }];
  });
  throw badRequest(
    `${what}: ${faults.map(({ name, reason }) => `${name} ${reason}`).join('; ')}`,
    faults.map(({ name, reason }) => ({ field: `${prefix}/${name}`, reason })),
  );
}

function invalid(what: string, field: string, name: string, reason: string): ContextManagerError {
  return badRequest(`${what}: ${name} ${reason}`, [{ field, reason }]);
}

function badRequest(message: string, fields: readonly object[]): ContextManagerError {
  return new ContextManagerError('BAD_REQUEST', message, { details: { fields } });
}

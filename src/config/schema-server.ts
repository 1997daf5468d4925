import { FRAME_BYTES_MAX_DEFAULT } from '../base/wire-limits.ts';
import { NAMESPACE_ENTRY } from '../base/namespace-set.ts';
import { EVERY_NAMESPACE, SCOPES } from '../base/wire-names.ts';
import { bareNumber, bareText, flag, integer, list, live, number, oneOf, section, text, withAlias } from './setting.ts';

const MIB = 1024 * 1024;
const HOUR_MS = 3_600_000;
const MILLISECONDS = { perOne: 1000, name: 'milliseconds' };

export const SERVER = section('Where the server listens.', {
  host: text('127.0.0.1', 'Address that agents connect to; 0.0.0.0 for every interface.'),
  port: integer(7420, 0, 65535, 'Port that agents connect to; 0 takes a free one.'),
  http_host: text('127.0.0.1', 'Address of the HTTP listener (health and metrics).'),
  http_port: integer(8080, 0, 65535, 'Port of the HTTP listener; 0 takes a free one.'),
  max_connections: live(integer(12_000, 1, 1_000_000, 'Connections open at a time; more are closed at once.')),
  max_connections_per_address: live(
    integer(
      12_000,
      1,
      1_000_000,
      'The same of one address (of version 6: one network of 64 bits). Behind a proxy all clients have one.',
    ),
  ),
  shutdown_timeout_secs: withAlias(
    number(10, 0, 600, 'How long a stop waits for requests in flight, in seconds.'),
    'server.shutdown_deadline_ms',
    MILLISECONDS,
  ),
});

export const RATE_LIMIT = section(
  'Requests that clients may make; what is more is told RATE_LIMITED, and when to try again.',
  {
    enabled: live(flag(false, 'Limit keys without a rate_limit of their own, and addresses.')),
    requests_per_minute: live(number(1000, 0.6, 60_000_000, 'Requests a minute in the long run, of each.')),
    burst_size: live(integer(100, 1, 1_000_000, 'Requests that may come at once after a pause, of each.')),
    auth_failures_per_minute: live(
      integer(
        5,
        1,
        100_000,
        'Failed logins of one address that are answered at once, whatever enabled says; the answers to more come later and later.',
      ),
    ),
    max_auth_delay_ms: live(
      integer(
        10_000,
        0,
        120_000,
        'The longest that such an answer waits, in milliseconds, within protocol.auth_timeout_ms; 0: none waits.',
      ),
    ),
  },
  {
    redis_url: bareText(
      'A Redis over which several servers count together, as redis://host:6379/0 or rediss://; take one with a password from the environment: RATE_LIMIT__REDIS_URL.',
      { format: 'redis-url' },
    ),
  },
);

export const PROTOCOL = section('Limits of a connection; see proto-spec/PROTOCOL.md.', {
  max_frame_bytes: integer(FRAME_BYTES_MAX_DEFAULT, 4096, 256 * MIB, 'Longest frame after authentication, in bytes.'),
  auth_timeout_ms: integer(5000, 100, 120_000, 'Time for the handshake, in milliseconds.'),
  max_age_ms: integer(
    300_000,
    1000,
    24 * HOUR_MS,
    "How far a request's timestamp may lie in the past, in milliseconds.",
  ),
  max_skew_ms: integer(30_000, 0, HOUR_MS, "How far a request's timestamp may lie in the future, in milliseconds."),
  max_in_flight: integer(
    256,
    1,
    65_536,
    'Requests of one connection that run at a time; past it the socket is not read.',
  ),
  max_in_flight_total: live(
    integer(
      8192,
      1,
      1_000_000,
      'Requests of all connections that run at a time; past it they are answered OVERLOADED.',
    ),
  ),
  max_request_bytes: integer(
    16 * MIB,
    4096,
    1024 * MIB,
    'Requests of one connection that are being worked on, in bytes; past it the socket is not read.',
  ),
  max_request_bytes_total: integer(
    64 * MIB,
    MIB,
    64 * 1024 * MIB,
    'Requests of all connections, in bytes: half for those being worked on, half for those still coming; past it sockets are not read.',
  ),
  max_buffered_bytes: integer(
    64 * MIB,
    65_536,
    1024 * MIB,
    'Unread replies of one connection, in bytes; past it the connection is closed.',
  ),
  max_buffered_bytes_total: integer(
    256 * MIB,
    MIB,
    64 * 1024 * MIB,
    'Replies of all connections that are unread or being built, in bytes; past it requests wait whose replies may be long.',
  ),
  heartbeat_ms: integer(
    30_000,
    100,
    HOUR_MS,
    'Silence after which a ping is sent, in milliseconds; after three the connection is closed.',
  ),
});

const KEY = section(
  'One key. An id may stand twice, with two secrets, while a secret is being rotated.',
  {
    id: bareText('Name that the client sends as key_id.', { maxLength: 128 }),
    scopes: list(SCOPES, oneOf(SCOPES, 'One scope.'), 1, 3, 'What the key may do: read, write, admin.'),
    namespaces: list(
      [EVERY_NAMESPACE],
      bareText('One namespace, those that begin alike up to a colon (team-a:*), or *.', {
        pattern: NAMESPACE_ENTRY.source,
      }),
      1,
      10_000,
      'Namespaces that the key sees: names, prefixes such as "team-a:*" (every name that begins with team-a:), or the one entry "*" for all.',
    ),
    certificates: list(
      [],
      bareText('CN, DNS name, URI or e-mail address of a certificate, or "sha256:" and its hash in small hex digits.', {
        maxLength: 512,
      }),
      0,
      100,
      'With any, the key counts only on connections with a client certificate of one of these names (tls.client_ca).',
    ),
    disabled: flag(false, 'Nobody comes in with it, and who is in is closed; of a rotated key, with this secret.'),
  },
  {
    secret: bareText('At least 32 bytes; take it from the environment: "${AGENT_SECRET}".', { writeOnly: true }),
    not_after: bareText('Moment the key expires, with its zone, as 2027-01-31T00:00:00Z.', { format: 'date-time' }),
    rate_limit: section('How many requests the key may make, over all its connections.', {
      per_second: bareNumber('number', 0.01, 1_000_000, 'Requests a second, in the long run.'),
      burst: bareNumber('integer', 1, 1_000_000, 'Requests that may come at once after a pause.'),
    }),
  },
);

export const KEYS = live(
  list([], KEY, 0, 10_000, 'Who may connect. With none, the one key "default" may do everything.'),
);

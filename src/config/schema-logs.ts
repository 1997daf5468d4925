import { bareText, choice, flag, integer, live, number, section, text } from './setting.ts';

const MIB = 1024 * 1024;

export const LOGGING = section(
  'What is logged; see docs/operations.md.',
  {
    level: live(choice('info', ['debug', 'info', 'warn', 'error', 'silent'], 'Least level that is written.')),
    format: choice(
      'auto',
      ['auto', 'json', 'text'],
      'json: one object a line; text: for reading; auto: text on a terminal, json elsewhere.',
    ),
    slow_request_ms: live(
      integer(1000, 0, 600_000, 'Requests that take so long are logged, with their stages, in milliseconds; 0: none.'),
    ),
  },
  {
    file: bareText('File that is written in place of standard error; opened anew on SIGHUP.', { isPath: true }),
  },
);

export const AUDIT = section(
  'Who did what; see docs/operations.md.',
  {
    requests: choice(
      'write',
      ['admin', 'write', 'read', 'all'],
      'What is written down beside logins and what was forbidden: admin: administration; write: changes, too; read: queries, too; all: pings, too.',
    ),
    keep_days: integer(90, 1, 3650, 'How many days a file is kept.'),
    day_bytes_max: integer(
      1024 * MIB,
      MIB,
      1024 * 1024 * MIB,
      'Size of the file of one day, in bytes; what comes after that is counted and lost.',
    ),
  },
  {
    folder: bareText('Folder with a file for each day; absent: nothing is written down.', { isPath: true }),
  },
);

export const TRACING = section('Spans for OpenTelemetry; see docs/operations.md.', {
  enabled: flag(false, 'Send spans; needs @opentelemetry/sdk-trace, exporter-trace-otlp-http and resources.'),
  endpoint: text('http://127.0.0.1:4318/v1/traces', 'Address that takes OTLP over HTTP.', { format: 'http-url' }),
  sample_ratio: number(1, 0, 1, 'Share of traces that begin here; one that a client began is kept as the client says.'),
  namespaces: flag(false, 'Name the namespace in spans, as gen_ai.memory.store.id.'),
});

import { bareText, choice, integer, section } from './setting.ts';

const MIB = 1024 * 1024;

export const LOGGING = section(
  'What is logged; see docs/operations.md.',
  {
    level: choice('info', ['debug', 'info', 'warn', 'error', 'silent'], 'Least level that is written.'),
    format: choice(
      'auto',
      ['auto', 'json', 'text'],
      'json: one object a line; text: for reading; auto: text on a terminal, json elsewhere.',
    ),
    slow_request_ms: integer(
      1000,
      0,
      600_000,
      'Requests that take so long are logged, with their stages, in milliseconds; 0: none.',
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

import { bareText, integer, section } from './setting.ts';

export const SNAPSHOTS = section(
  'Copies of everything that is stored; see docs/operations.md.',
  {
    keep_hourly: integer(
      7,
      0,
      10_000,
      'Of so many hours that have snapshots, the newest of each is kept; after each one by schedule the others are deleted.',
    ),
    keep_daily: integer(
      30,
      0,
      10_000,
      'The same of days, in UTC. Those with a label, and the newest, are always kept.',
    ),
  },
  {
    schedule: bareText(
      'When a server makes one, as a cron expression in its time zone: "0 3 * * *" (daily at three), "0 * * * *" (hourly). Absent, or "never": only when it is asked to.',
    ),
    folder: bareText(
      'Where they lie, best on another disk than the data. By default the folder snapshots in vector_db.data_dir.',
      {
        isPath: true,
      },
    ),
  },
);

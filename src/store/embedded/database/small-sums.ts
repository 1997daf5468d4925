// Checksums of small rows that decide answers.

import type { DatabaseSync } from 'node:sqlite';
import { crc32 } from 'node:zlib';
import type { Supersession } from '../../../base/context.ts';

export function spaceSum(id: number, name: string): number {
  return crc32(`${id}\0${name}`);
}

export function supersessionSum(
  spaceId: number,
  superseded: string,
  { by, fromMs, recordedAtMs }: Supersession,
): number {
  return crc32(`${spaceId}\0${superseded}\0${fromMs},${recordedAtMs}\0${by}`);
}

/** Of a row of `meta`. */
export function metaSum(key: string, value: string): number {
  return crc32(`${key}\0${value}`);
}

/** Of the last number that was given. */
export function sequenceSum(last: number): number {
  return crc32(`sequence\0${last}`);
}

/** Of a row of `unembedded`. */
export function unembeddedSum(seq: number, state: number): number {
  return crc32(`unembedded\0${seq},${state}`);
}

/** Gives rows of before their sums; within a transaction. */
export function sumSmallRows(database: DatabaseSync): void {
  const setMeta = database.prepare('UPDATE meta SET sum = ? WHERE key = ?');
  const meta = database.prepare('SELECT key, value FROM meta').all() as { key: string; value: string }[];
  for (const { key, value } of meta) setMeta.run(metaSum(key, value), key);
  const { last } = database.prepare('SELECT last FROM sequence').get() as { last: number };
  database.prepare('UPDATE sequence SET sum = ?').run(sequenceSum(last));
  const setState = database.prepare('UPDATE unembedded SET sum = ? WHERE seq = ?');
  const rows = database.prepare('SELECT seq, state FROM unembedded').all() as { seq: number; state: number }[];
  for (const { seq, state } of rows) setState.run(unembeddedSum(seq, state), seq);
}

/** Writes a row of `meta`. */
export function setMeta(database: DatabaseSync, key: string, value: string): void {
  const put = 'INSERT INTO meta (key, value, sum) VALUES (?, ?, ?)';
  database
    .prepare(`${put} ON CONFLICT DO UPDATE SET value = excluded.value, sum = excluded.sum`)
    .run(key, value, metaSum(key, value));
}

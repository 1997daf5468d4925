// What the stored vectors were made by, and the one step in which those of another model take their place.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../../base/errors.ts';
import type { EmbeddingIdentity } from '../../reembedding.ts';
import { INDEX_FOLDER } from './data-folder.ts';
import { inTransaction } from './in-transaction.ts';
import { NO_CONTENTS, openContents, sealedVectors } from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import { NewVectors, removeNewVectors, type TextRow } from './new-vectors.ts';
import { UNEMBEDDED_STATES } from './scan-sql.ts';
import { setMeta, unembeddedSum } from './small-sums.ts';
import { toNumbers } from './stored-passages.ts';

/** null: the database is new. */
export function readEmbedding(database: DatabaseSync): EmbeddingIdentity | null {
  const rows = database.prepare('SELECT key, value FROM meta').all() as { key: string; value: string }[];
  const values = new Map(rows.map(({ key, value }) => [key, value]));
  const id = values.get('embedding_id');
  return id === undefined ? null : { id, dimension: Number(values.get('embedding_dimension')) };
}

export function writeEmbedding(database: DatabaseSync, { id, dimension }: EmbeddingIdentity): void {
  setMeta(database, 'embedding_id', id);
  setMeta(database, 'embedding_dimension', String(dimension));
}

/**
 * Puts the new vectors in place of the old ones and says of how many contexts: all in one transaction, so that a kill
 * leaves the old ones or the new ones, and the file of the new ones for as long as it is needed. Throws `StartupError`,
 * with nothing changed, where a context has none.
 */
export function takeNewVectors(
  database: DatabaseSync,
  dataDir: string,
  to: EmbeddingIdentity,
  sealer: Sealer | null,
): number {
  const vectors = NewVectors.open(dataDir, to, sealer);
  let contexts: number;
  try {
    contexts = inTransaction(database, () => {
      const replaced = replaceVectors(database, vectors, to, sealer);
      writeEmbedding(database, to);
      // Before the commit: whatever is left of them fits no row that has a vector of another model.
      removeIndexes(dataDir);
      return replaced;
    });
  } finally {
    vectors.close();
  }
  // Out of the log, which may be lost apart from the database, before the only other copy goes.
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  removeNewVectors(dataDir, to);
  return contexts;
}

function replaceVectors(
  database: DatabaseSync,
  vectors: NewVectors,
  to: EmbeddingIdentity,
  sealer: Sealer | null,
): number {
  let contexts = 0;
  let missing = 0;
  // What the model of before had none for, or not yet, the new one has been asked, too.
  database.exec('DELETE FROM vectors; DELETE FROM passages; DELETE FROM unembedded');
  const insert = database.prepare('INSERT INTO vectors VALUES (?, ?)');
  const insertPassages = database.prepare('INSERT INTO passages VALUES (?, ?)');
  const insertState = database.prepare('INSERT INTO unembedded (seq, state, sum) VALUES (?, ?, ?)');
  const rows = database.prepare('SELECT seq, namespace_id AS namespaceId, id, text, sealed FROM contexts ORDER BY seq');
  for (const stored of rows.iterate() as unknown as Iterable<StoredText>) {
    const row = textRow(stored, sealer);
    const found = vectors.of(row);
    contexts++;
    if (found === null) missing++;
    else insert.run(row.seq, sealedVectors(sealer, 'vectors', row.seq, toNumbers(found.vector)));
    if (found?.isRefused === true) insertState.run(row.seq, UNEMBEDDED_STATES.refused, refusedSum(row.seq));
    if (found !== null && found.passages !== null)
      insertPassages.run(row.seq, sealedVectors(sealer, 'passages', row.seq, toNumbers(found.passages)));
  }
  if (missing === 0) return contexts;
  throw new StartupError(
    `${missing} of ${contexts} contexts are not embedded with ${to.id} yet`,
    'Run `context-manager reembed` with this configuration to its end, then start again; until then a server can run with the configuration of before.',
  );
}

function refusedSum(seq: number): number {
  return unembeddedSum(seq, UNEMBEDDED_STATES.refused);
}

/** A row as its columns have it. */
export type StoredText = TextRow & { readonly sealed: Uint8Array | null };

/** Throws `DamageError` where its text cannot be opened. */
export function textRow({ sealed, ...row }: StoredText, sealer: Sealer | null): TextRow {
  if (sealer === null && sealed === null) return row;
  return { ...row, text: openContents(sealer, row, sealed, { ...NO_CONTENTS, text: row.text }).text };
}

function removeIndexes(dataDir: string): void {
  const folder = join(dataDir, INDEX_FOLDER);
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true, recursive: true });
}

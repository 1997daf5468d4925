// The schema, as numbered steps: `PRAGMA user_version` is the number of the last one applied.

import type { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../../base/errors.ts';
import { inTransaction } from './in-transaction.ts';
import { sumSmallRows } from './small-sums.ts';
import { SAVED_NAMESPACES } from './saved-table.ts';

export interface Migration {
  readonly version: number;
  readonly sql: string;
  /** What SQL alone cannot do, behind it and in the same transaction. */
  readonly settle?: (database: DatabaseSync) => void;
}

/**
 * `seq` is a context's place in the order of arrival, for good, also where another store hands it over a second time.
 * `entry` is new each time the context enters a level, gets a new text or other vectors, or is handed over, so an index
 * knows by numbers alone what it covers. `entered` is the entry with which it came into its level, or what another store
 * had for that. `sequence` gives the numbers: it never goes back and stays above whatever was handed over, so that no `seq`
 * and no `entry` is used twice.
 */
const FIRST_SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
  CREATE TABLE sequence (only_row INTEGER PRIMARY KEY CHECK (only_row = 1), last INTEGER NOT NULL) STRICT;
  INSERT INTO sequence VALUES (1, 0);
  CREATE TABLE namespaces (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
  CREATE TABLE contexts (
    seq INTEGER PRIMARY KEY,
    namespace_id INTEGER NOT NULL,
    level INTEGER NOT NULL CHECK (level IN (1, 2, 3)),
    entry INTEGER NOT NULL,
    entered INTEGER NOT NULL,
    id TEXT NOT NULL,
    agent_id TEXT NOT NULL,
    session_id TEXT,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    expires_at INTEGER,
    expiry_action INTEGER NOT NULL CHECK (expiry_action IN (0, 1)),
    version INTEGER NOT NULL,
    access_count INTEGER NOT NULL,
    token_count INTEGER NOT NULL,
    tags TEXT NOT NULL,
    metadata TEXT NOT NULL,
    analyzer INTEGER NOT NULL,
    terms TEXT NOT NULL,
    traits TEXT NOT NULL,
    text TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX contexts_by_id ON contexts (namespace_id, id);
  CREATE INDEX contexts_by_creation ON contexts (namespace_id, created_at);
  CREATE INDEX contexts_by_entry ON contexts (namespace_id, level, entry);
  CREATE INDEX contexts_by_session ON contexts (namespace_id, level, agent_id, session_id, entered);
  CREATE INDEX contexts_by_agent ON contexts (namespace_id, level, agent_id, entered);
  CREATE INDEX contexts_by_expiry ON contexts (expires_at) WHERE expires_at IS NOT NULL;
  CREATE TABLE vectors (seq INTEGER PRIMARY KEY, vector BLOB NOT NULL) STRICT;
  CREATE TABLE accesses (seq INTEGER PRIMARY KEY, count INTEGER NOT NULL) STRICT;
`;

/** See row-checksums.ts. */
const ROW_CHECKSUMS = `
  ALTER TABLE contexts ADD COLUMN content_sum INTEGER;
  ALTER TABLE contexts ADD COLUMN state_sum INTEGER;
`;

/**
 * Who set a lifetime: 0 the client, 1 the level. Until now it followed from what happens at its end: a level's ended in
 * promotion, a client's in deletion. Where L3 has a lifetime of its own, which ends in deletion too, rows in L3 do not
 * tell; they count as the client's, as they always did, so that none is kept longer than somebody asked for.
 */
const EXPIRY_SETTERS = `
  ALTER TABLE contexts ADD COLUMN expiry_by INTEGER NOT NULL DEFAULT 1 CHECK (expiry_by IN (0, 1));
  UPDATE contexts SET expiry_by = 0, state_sum = NULL WHERE expires_at IS NOT NULL AND expiry_action = 0;
`;

/** The vectors of a text's passages behind the first, one after another. */
const PASSAGES = `
  CREATE TABLE passages (seq INTEGER PRIMARY KEY, vectors BLOB NOT NULL) STRICT;
`;

/** Contexts without a vector: 1 it is still to be made, 2 the model makes none for the text. */
const UNEMBEDDED = `
  CREATE TABLE unembedded (seq INTEGER PRIMARY KEY, state INTEGER NOT NULL CHECK (state IN (1, 2))) STRICT;
  CREATE INDEX unembedded_by_state ON unembedded (state, seq);
`;

/** What is no context: see documents.ts. `place` is a document's `order`, `sum` its checksum. */
const DOCUMENTS = `
  CREATE TABLE documents (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    owner TEXT NOT NULL,
    place INTEGER NOT NULL,
    version INTEGER NOT NULL,
    body TEXT NOT NULL,
    sum INTEGER NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX documents_by_key ON documents (namespace, kind, key);
  CREATE INDEX documents_by_place ON documents (namespace, kind, place);
  CREATE INDEX documents_by_owner ON documents (namespace, kind, owner, place);
`;

/** `terms`: a document's, as JSON; each has a row in `document_terms`, as what document-terms.ts makes of it. */
const DOCUMENT_TERMS = `
  ALTER TABLE documents ADD COLUMN terms TEXT NOT NULL DEFAULT '[]';
  CREATE TABLE document_terms (
    term BLOB NOT NULL,
    place INTEGER NOT NULL,
    id INTEGER NOT NULL,
    PRIMARY KEY (term, place, id)
  ) STRICT, WITHOUT ROWID;
`;

/** When a context holds, as JSON (border/times.ts); nothing where its creation says it all. */
const TIMES = `
  ALTER TABLE contexts ADD COLUMN times TEXT;
`;

/** Who supersedes which id from when on, as the contexts that do so say it in `times`: see supersessions.ts. */
const SUPERSESSIONS = `
  CREATE TABLE supersessions (
    namespace_id INTEGER NOT NULL,
    superseded TEXT NOT NULL,
    valid_from INTEGER NOT NULL,
    recorded INTEGER NOT NULL,
    successor TEXT NOT NULL,
    PRIMARY KEY (namespace_id, superseded, valid_from, recorded, successor)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX supersessions_as_told ON supersessions (namespace_id, superseded, recorded, valid_from, successor);
  INSERT OR IGNORE INTO supersessions
    SELECT c.namespace_id, s.value, coalesce(c.times ->> 'from', c.created_at), coalesce(c.times ->> 'recorded', c.created_at), c.id
    FROM contexts AS c, json_each(c.times, '$.supersedes') AS s WHERE c.times IS NOT NULL;
`;

/** What stands there where the store has a key, in place of the columns before it: see sealed-values.ts. NULL: nothing is sealed. */
const SEALED = `
  ALTER TABLE contexts ADD COLUMN sealed_terms BLOB;
  ALTER TABLE contexts ADD COLUMN sealed BLOB;
  ALTER TABLE documents ADD COLUMN sealed BLOB;
`;

/** Checksums of what decides answers beside contexts and documents. NULL: from before there were any, or sealed. */
const MORE_CHECKSUMS = `
  ALTER TABLE contexts ADD COLUMN terms_sum INTEGER;
  ALTER TABLE namespaces ADD COLUMN sum INTEGER;
  ALTER TABLE supersessions ADD COLUMN sum INTEGER;
`;

/** From here on `sealed` holds a long text, packed, where the store has no key (packed-text.ts), which no program before can read. */
const PACKED_TEXTS = 'SELECT 1';

/** The last that were without a checksum. */
const SMALL_CHECKSUMS = `
  ALTER TABLE meta ADD COLUMN sum INTEGER;
  ALTER TABLE sequence ADD COLUMN sum INTEGER;
  ALTER TABLE unembedded ADD COLUMN sum INTEGER;
`;

export const MIGRATIONS: readonly Migration[] = [
  { version: 1, sql: FIRST_SCHEMA },
  { version: 2, sql: ROW_CHECKSUMS },
  { version: 3, sql: EXPIRY_SETTERS },
  { version: 4, sql: PASSAGES },
  { version: 5, sql: UNEMBEDDED },
  { version: 6, sql: DOCUMENTS },
  { version: 7, sql: DOCUMENT_TERMS },
  { version: 8, sql: TIMES },
  { version: 9, sql: SUPERSESSIONS },
  { version: 10, sql: SEALED },
  { version: 11, sql: MORE_CHECKSUMS },
  { version: 12, sql: PACKED_TEXTS },
  { version: 13, sql: SMALL_CHECKSUMS, settle: sumSmallRows },
  { version: 14, sql: SAVED_NAMESPACES },
];

/** Brings the schema up to the last of `migrations`, each step in its own transaction. */
export function migrate(database: DatabaseSync, migrations: readonly Migration[] = MIGRATIONS): void {
  const newest = migrations.at(-1)?.version ?? 0;
  const current = schemaVersion(database);
  if (current > newest) {
    throw new StartupError(
      `the database has schema version ${current}, and this program knows versions up to ${newest}`,
      'Start the newer version of context-manager that wrote it, or point vector_db.data_dir to another folder.',
    );
  }
  for (const migration of migrations) {
    if (migration.version <= current) continue;
    inTransaction(database, () => {
      database.exec(migration.sql);
      migration.settle?.(database);
      database.exec(`PRAGMA user_version = ${migration.version}`);
    });
  }
}

export function schemaVersion(database: DatabaseSync): number {
  const row = database.prepare('PRAGMA user_version').get() as { user_version: number };
  return row.user_version;
}

import { copyFileSync, cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DATABASE_FILE, INDEX_FOLDER } from '../../../src/store/embedded/database/data-folder.ts';
import { storedTerm } from '../../../src/store/embedded/database/document-terms.ts';
import { listSegments, segmentChecksum, type SegmentFile } from '../../../src/store/embedded/hnsw/index-files.ts';

/** Rows that have no business to be there, or lack what belongs to them: each gives none where all is in order. */
const ROWS: Readonly<Record<string, string>> = {
  'a context without a vector': `SELECT seq FROM contexts WHERE seq NOT IN (SELECT seq FROM vectors)
    AND seq NOT IN (SELECT seq FROM unembedded)`,
  'a vector without a context': 'SELECT seq FROM vectors WHERE seq NOT IN (SELECT seq FROM contexts)',
  'passages without a context': 'SELECT seq FROM passages WHERE seq NOT IN (SELECT seq FROM contexts)',
  'an access count without a context': 'SELECT seq FROM accesses WHERE seq NOT IN (SELECT seq FROM contexts)',
  'a context of no namespace': 'SELECT seq FROM contexts WHERE namespace_id NOT IN (SELECT id FROM namespaces)',
  'a place that two contexts have':
    'SELECT entry FROM contexts GROUP BY namespace_id, level, entry HAVING count(*) > 1',
  'a number beyond those given': 'SELECT seq FROM contexts, sequence WHERE max(seq, entry) > last',
  'a supersession that no context tells': `SELECT superseded FROM supersessions AS s WHERE NOT EXISTS (
    SELECT 1 FROM contexts AS c, json_each(c.times, '$.supersedes') AS told
    WHERE c.namespace_id = s.namespace_id AND c.id = s.successor AND told.value = s.superseded)`,
  'a supersession that is not in its table': `SELECT c.id FROM contexts AS c, json_each(c.times, '$.supersedes') AS told
    WHERE NOT EXISTS (SELECT 1 FROM supersessions AS s
      WHERE s.namespace_id = c.namespace_id AND s.successor = c.id AND s.superseded = told.value)`,
};

/**
 * What is wrong with the data folder of a server that is not running: SQLite's own check, the tables beside one another,
 * and saved indexes beside the rows that they cover. The folder stays as it is.
 */
export function checkFolder(dataDir: string): string[] {
  const copy = mkdtempSync(join(tmpdir(), 'cm-check-'));
  try {
    // Whoever opens the database takes its log into it: the next server is to find what the last one left.
    for (const name of [DATABASE_FILE, `${DATABASE_FILE}-wal`])
      if (existsSync(join(dataDir, name))) copyFileSync(join(dataDir, name), join(copy, name));
    const indexFolder = join(copy, INDEX_FOLDER);
    cpSync(join(dataDir, INDEX_FOLDER), indexFolder, { recursive: true });
    const database = new DatabaseSync(join(copy, DATABASE_FILE));
    try {
      return [...checkDatabase(database), ...checkIndexes(database, indexFolder)];
    } finally {
      database.close();
    }
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}

function checkDatabase(database: DatabaseSync): string[] {
  const faults: string[] = [];
  const result = database.prepare('PRAGMA integrity_check').all() as { integrity_check: string }[];
  for (const { integrity_check: told } of result) if (told !== 'ok') faults.push(`integrity_check: ${told}`);
  for (const [what, sql] of Object.entries(ROWS)) {
    const rows = database.prepare(sql).all();
    if (rows.length > 0) faults.push(`${what}: ${rows.length}, as ${JSON.stringify(rows[0])}`);
  }
  return [...faults, ...checkDocumentTerms(database)];
}

/** Each term of a document has its row, and no row is of a document that has gone. */
function checkDocumentTerms(database: DatabaseSync): string[] {
  type Row = { id: number; namespace: string; kind: string; place: number; terms: string };
  const expected = new Set<string>();
  const documents = database
    .prepare(`SELECT id, namespace, kind, place, terms FROM documents WHERE terms <> '[]'`)
    .all();
  for (const row of documents as unknown as Row[])
    for (const term of JSON.parse(row.terms) as string[])
      expected.add(`${Buffer.from(storedTerm(row, term, null)).toString('hex')} ${row.place} ${row.id}`);
  const stored = database
    .prepare(`SELECT lower(hex(term)) || ' ' || place || ' ' || id AS row FROM document_terms`)
    .all();
  const rows = new Set((stored as { row: string }[]).map(({ row }) => row));
  const missing = [...expected].filter((row) => !rows.has(row));
  const left = [...rows].filter((row) => !expected.has(row));
  return [
    ...(missing.length > 0 ? [`terms of documents without their row: ${missing.length}`] : []),
    ...(left.length > 0 ? [`terms of documents that are gone: ${left.length}`] : []),
  ];
}

/** A segment that counts as whole has every vector of the rows that it says it covers. */
function checkIndexes(database: DatabaseSync, indexFolder: string): string[] {
  if (readdirSync(indexFolder).length === 0) return [];
  const covered = database.prepare(
    `SELECT c.entry FROM contexts AS c JOIN vectors AS v ON v.seq = c.seq
     WHERE c.namespace_id = ? AND c.level = ? AND c.entry > ? AND c.entry <= ?`,
  );
  // Listing deletes what is not whole, as a server that starts does: this is a copy.
  return listSegments(indexFolder, () => true).flatMap((segment: SegmentFile) => {
    const { path, spaceId, level, from, to, crc32, parameters } = segment;
    if (segmentChecksum(path, parameters.quantization) !== crc32) return [];
    const bytes = readFileSync(`${path}.entries`);
    const entries = new Set(new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)));
    const rows = covered.all(spaceId, level, from, to) as { entry: number }[];
    const missing = rows.filter(({ entry }) => !entries.has(entry));
    return missing.length > 0 ? [`the index ${spaceId}-${level}-${from}-${to} lacks ${missing.length} vectors`] : [];
  });
}

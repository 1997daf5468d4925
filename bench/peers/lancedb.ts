import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { peerPackage, peerVersion } from './install.ts';
import { TOP, type Hit, type Peer } from './peer.ts';

/** What is used of the package `@lancedb/lancedb`. */
interface Lance {
  connect(folder: string): Promise<{ createTable(name: string, rows: object[]): Promise<Table>; close(): void }>;
  readonly Index: { hnswSq(options: object): unknown; fts(): unknown };
  readonly rerankers: { readonly RRFReranker: { create(): Promise<unknown> } };
}
interface Table {
  add(rows: object[]): Promise<unknown>;
  optimize(): Promise<unknown>;
  createIndex(column: string, options: object): Promise<void>;
  query(): Query;
}
interface Query {
  nearestTo(vector: Float32Array): Query;
  fullTextSearch(text: string, options: object): Query;
  distanceType(type: string): Query;
  ef(candidates: number): Query;
  refineFactor(factor: number): Query;
  rerank(reranker: unknown): Query;
  select(columns: string[]): Query;
  limit(count: number): Query;
  toArray(): Promise<{ position: number; text: string }[]>;
}

// Its library warns at each question of columns that it will give differently some day.
process.env['LANCEDB_LOG'] ??= 'error';

/** From here on a graph pays; below, it compares with all of a table. */
const INDEXED_MIN = 5_000;
const EF = 100;
const REFINE = 2;

/** LanceDB in the process that asks, with a table for each namespace. */
export async function startLanceDb(): Promise<Peer> {
  const lance = (await peerPackage('@lancedb/lancedb')) as Lance;
  const folder = await mkdtemp(join(tmpdir(), 'context-manager-bench-lancedb-'));
  const connection = await lance.connect(folder);
  const reranker = await lance.rerankers.RRFReranker.create();
  const tables = new Map<string, { readonly table: Promise<Table>; rows: number; isIndexed: boolean }>();
  const tableOf = async (namespace: string): Promise<Table> => {
    const held = tables.get(namespace);
    if (held === undefined) throw new Error(`nothing was added to ${namespace}`);
    return held.table;
  };
  return {
    settings: `${peerVersion('@lancedb/lancedb')}, HNSW in 8 bits from ${INDEXED_MIN} rows on (ef ${EF}, refined ${REFINE} times), its word index; in the process that asks, a table for each namespace`,
    kinds: ['dense', 'hybrid'],
    pid: process.pid,
    async add(namespace, records) {
      const rows = records.map(({ position, text, vector }) => ({ position, text, vector: [...vector] }));
      const held = tables.get(namespace);
      if (held === undefined) {
        const made = { table: connection.createTable(namespace, rows), rows: rows.length, isIndexed: false };
        tables.set(namespace, made);
        await made.table;
        return;
      }
      held.rows += rows.length;
      await (await held.table).add(rows);
    },
    async untilIndexed() {
      for (const held of tables.values()) {
        const table = await held.table;
        await table.optimize();
        await table.createIndex('text', { config: lance.Index.fts() });
        if (held.rows < INDEXED_MIN) continue;
        await table.createIndex('vector', { config: lance.Index.hnswSq({ distanceType: 'cosine', numPartitions: 1 }) });
        held.isIndexed = true;
      }
      return 0;
    },
    async search(kind, namespace, { text, vector }) {
      const table = await tableOf(namespace);
      let query = table.query().nearestTo(vector).distanceType('cosine');
      if (tables.get(namespace)?.isIndexed === true) query = query.ef(EF).refineFactor(REFINE);
      if (kind === 'hybrid') query = query.fullTextSearch(text, { columns: ['text'] }).rerank(reranker);
      const rows = await query.select(['position', 'text']).limit(TOP).toArray();
      return rows.map((row): Hit => ({ position: Number(row.position), text: row.text }));
    },
    async stop() {
      connection.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

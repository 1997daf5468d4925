import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { LEVELS, type Level } from '../../base/context.ts';
import { DamagedSnapshot } from '../snapshot/damaged-snapshot.ts';
import { unpackedStream } from '../snapshot/packed-files.ts';
import { checkFiles, type Snapshot } from '../snapshot/snapshot.ts';
import { NAMESPACES_FILE, type SnapshotFile } from '../snapshot/store-copy.ts';
import type { StoredDocument } from '../documents.ts';
import type { NamespaceCounts } from '../store.ts';
import { bytesOf, type CollectionCalls, unchanged, type WriteOperation } from './collection-calls.ts';
import { collectionOf } from './collections.ts';
import { newestFirst } from './held.ts';
import { RequestRefused } from './http-client.ts';
import { LAYOUT } from './meta.ts';
import { documentsOf, type QdrantDocuments } from './qdrant-documents.ts';
import type { Point } from './points.ts';
import { COPY_FILE, type CopyDescription, DOCUMENTS_FILE, LATE_FILE, type LatePoint } from './qdrant-copy.ts';
import type { SnapshotCalls } from './snapshot-calls.ts';

const POINTS_AT_ONCE = 250;
const BATCH_BYTES = 4 * 1024 * 1024;

/** What a snapshot says of itself, with every file looked at. Rejects with `DamagedSnapshot`. */
export async function checkedCopy(snapshot: Snapshot): Promise<CopyDescription> {
  const { path, manifest } = snapshot;
  if (manifest.store !== 'qdrant') throw new DamagedSnapshot(path, 'it is not of Qdrant');
  if (manifest.schema > LAYOUT)
    throw new DamagedSnapshot(path, `its schema ${manifest.schema} is newer than this program, which knows ${LAYOUT}`);
  await checkFiles(snapshot);
  const about = JSON.parse(readFileSync(join(path, COPY_FILE), 'utf8')) as CopyDescription;
  for (const level of LEVELS)
    if (!about.collections.some((one) => one.level === level && fileOf(snapshot, one.file) !== undefined))
      throw new DamagedSnapshot(path, `it holds no collection of ${level}`);
  return about;
}

export interface Recovered {
  readonly snapshots: SnapshotCalls;
  readonly calls: CollectionCalls;
  readonly documents: QdrantDocuments;
  readonly stem: string;
}

/** What is in the collections, and what was when the snapshot was made. */
export interface RecoveredCounts {
  readonly contexts: number;
  readonly namespaces: readonly NamespaceCounts[];
  /** So many contexts came or went while it was made: by so many the two may differ. */
  readonly unsettled: number;
}

/**
 * Makes collections of another name of it, which hold each context once. Where it rejects they are not to be used; with
 * `DamagedSnapshot` where they hold less than what was counted when it was made.
 */
export async function recoverCollections(
  snapshot: Snapshot,
  about: CopyDescription,
  { snapshots, calls, documents, stem }: Recovered,
): Promise<RecoveredCounts> {
  const { path } = snapshot;
  const namespaces = namespacesOf(snapshot);
  const held: number[] = [];
  for (const { level, file } of about.collections) {
    const collection = collectionOf(stem, level);
    await snapshots.recover(collection, join(path, file), fileOf(snapshot, file) as SnapshotFile).catch((error) => {
      if (!(error instanceof RequestRefused)) throw error;
      throw new DamagedSnapshot(path, `Qdrant makes no collection of ${file}: ${reasonOf(error)}`, error);
    });
    await snapshots.forgetUpload(collection);
    held.push(await calls.count(level, {}));
  }
  await putDocuments(snapshot, about.documents, documents);
  const late = await putLatePoints(join(path, `${LATE_FILE}.zst`), calls);
  about.collections.forEach(({ file, points }, i) => {
    if ((held[i] ?? 0) < Math.min(...points) - late)
      throw new DamagedSnapshot(path, `${file} holds ${held[i]} contexts of ${Math.min(...points)}`);
  });
  for (const level of LEVELS) await removeStale(level, about.late_since, calls);
  const counts = await Promise.all(LEVELS.map((level) => calls.count(level, {})));
  const contexts = counts.reduce((sum, count) => sum + count, 0);
  const moved = about.collections.reduce((sum, { points: [before, after] }) => sum + Math.abs(after - before), 0);
  const listed = namespaces.reduce((sum, one) => sum + sumOf(one), 0);
  if (contexts < listed - late - moved)
    throw new DamagedSnapshot(path, `it holds ${contexts} contexts of the ${listed} of ${NAMESPACES_FILE}`);
  return { contexts, namespaces, unsettled: late + moved };
}

/** Throws `DamagedSnapshot` where one of them holds less than when the snapshot was made. */
export function checkNamespaces(
  { path }: Snapshot,
  { namespaces, unsettled }: RecoveredCounts,
  found: readonly NamespaceCounts[],
): void {
  const counts = new Map(found.map((one) => [one.namespace, sumOf(one)]));
  for (const expected of namespaces)
    if ((counts.get(expected.namespace) ?? 0) < sumOf(expected) - unsettled)
      throw new DamagedSnapshot(path, `contexts of the namespace ${expected.namespace} are missing`);
}

function namespacesOf({ path, manifest }: Snapshot): NamespaceCounts[] {
  if (!manifest.files.some(({ name }) => name === NAMESPACES_FILE))
    throw new DamagedSnapshot(path, `it holds no ${NAMESPACES_FILE}`);
  return JSON.parse(readFileSync(join(path, NAMESPACES_FILE), 'utf8')) as NamespaceCounts[];
}

function sumOf({ counts }: NamespaceCounts): number {
  return counts.immediate + counts.short_term + counts.long_term;
}

function fileOf({ manifest }: Snapshot, name: string): SnapshotFile | undefined {
  return manifest.files.find((file) => file.name === name);
}

function reasonOf({ cause, message }: RequestRefused): string {
  return typeof cause === 'string' && cause !== '' ? cause : message;
}

async function putDocuments({ path }: Snapshot, expected: number, documents: QdrantDocuments): Promise<void> {
  let batch: StoredDocument[] = [];
  let put = 0;
  let bytes = 0;
  for await (const line of linesOf(join(path, `${DOCUMENTS_FILE}.zst`))) {
    batch.push(JSON.parse(line) as StoredDocument);
    bytes += line.length;
    if (batch.length < POINTS_AT_ONCE && bytes < BATCH_BYTES) continue;
    await documents.putAll(batch);
    put += batch.length;
    [batch, bytes] = [[], 0];
  }
  await documents.putAll(batch);
  if (put + batch.length !== expected) throw new DamagedSnapshot(path, 'documents are missing');
}

function linesOf(file: string): AsyncIterable<string> {
  return createInterface({ input: unpackedStream(file), crlfDelay: Infinity });
}

/** Points that are there stay as they are. Resolves with how many there are in the file. */
async function putLatePoints(file: string, calls: CollectionCalls): Promise<number> {
  let points = 0;
  let level: Level | undefined;
  let batch: WriteOperation[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    if (level !== undefined && batch.length > 0) await calls.write(level, batch);
    batch = [];
    bytes = 0;
  };
  for await (const line of linesOf(file)) {
    const late = JSON.parse(line) as LatePoint;
    if (late.level !== level || batch.length >= POINTS_AT_ONCE || bytes > BATCH_BYTES) await flush();
    level = late.level;
    const { id, vector, payload } = late.point;
    const point = { id, vector: vector as Point['vector'], payload };
    const operation: WriteOperation = { upsert: { points: [point], update_mode: 'insert_only' } };
    bytes += bytesOf(operation);
    batch.push(operation);
    points++;
  }
  await flush();
  return points;
}

/** Of contexts that moved while the snapshots were made: what stands in a level that it has left. */
async function removeStale(level: Level, since: number, calls: CollectionCalls): Promise<void> {
  for await (const points of calls.enteredSince(level, since, POINTS_AT_ONCE)) {
    const ids = points.map(({ id }) => id);
    const byId = new Map(points.map((point) => [point.id, point]));
    for (const other of LEVELS.filter((one) => one !== level)) {
      const found = await calls.retrieve(other, ids, ['revision', 'version', 'entered'], false);
      const stale = found.filter((point) => {
        const here = byId.get(point.id);
        return here !== undefined && newestFirst({ level, point: here }, { level: other, point }) < 0;
      });
      if (stale.length > 0) await calls.write(other, [{ delete: { filter: unchanged(stale) } }]);
    }
  }
}

/** Deletes collections of that name, and what uploads have left of them. */
export async function dropCollections(snapshots: SnapshotCalls, stem: string): Promise<void> {
  for (const level of LEVELS) {
    const collection = collectionOf(stem, level);
    await snapshots.forgetUpload(collection);
    await snapshots.drop(collection);
  }
  await snapshots.drop(documentsOf(stem));
}

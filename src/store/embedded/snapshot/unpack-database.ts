import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { DamagedSnapshot } from '../../snapshot/damaged-snapshot.ts';
import { isSameSum, unpackFile } from '../../snapshot/packed-files.ts';
import { checkFiles, type Snapshot } from '../../snapshot/snapshot.ts';
import { DATABASE_FILE } from '../database/data-folder.ts';
import { readEmbedding } from '../database/embedding-switch.ts';
import { MIGRATIONS, schemaVersion } from '../database/migrations.ts';
import { isDamage, sqliteCode } from '../database/sqlite-errors.ts';
import { isWhole, lastCommitIn, namespacesIn, sumOfCounts } from './database-facts.ts';

/**
 * Puts the database of a snapshot into a folder, byte by byte what was copied, and sees that it is what the manifest
 * says. Rejects with `DamagedSnapshot`, or with the system's error where the folder cannot be written.
 */
export async function unpackDatabase(snapshot: Snapshot, folder: string): Promise<void> {
  const { path, manifest } = snapshot;
  const packed = manifest.files.find(({ content }) => content?.name === DATABASE_FILE);
  if (manifest.store !== 'embedded' || packed?.content === undefined)
    throw new DamagedSnapshot(path, 'it holds no database of the embedded store');
  const newest = MIGRATIONS.at(-1)?.version ?? 0;
  if (manifest.schema > newest)
    throw new DamagedSnapshot(path, `its schema ${manifest.schema} is newer than this program, which knows ${newest}`);
  await checkFiles(snapshot);
  const target = join(folder, DATABASE_FILE);
  const found = await unpackFile(join(path, packed.name), target, packed.content.bytes);
  if (!isSameSum(found, packed.content))
    throw new DamagedSnapshot(path, `${packed.name} does not unpack to what was copied (its SHA-256 differs)`);
  checkDatabase(snapshot, target);
}

function checkDatabase({ path, manifest }: Snapshot, file: string): void {
  const database = new DatabaseSync(file, { readOnly: true });
  try {
    const counts = sumOfCounts(namespacesIn(database));
    const embedding = readEmbedding(database);
    const isAsTold =
      isWhole(database, Infinity) &&
      schemaVersion(database) === manifest.schema &&
      lastCommitIn(database) === manifest.last_commit &&
      embedding?.id === manifest.embedder &&
      embedding.dimension === manifest.dimension &&
      counts.immediate === manifest.counts.immediate &&
      counts.short_term === manifest.counts.short_term &&
      counts.long_term === manifest.counts.long_term;
    if (!isAsTold) throw new DamagedSnapshot(path, 'its database is not what its manifest says');
  } catch (error) {
    if (isDamage(error) || sqliteCode(error) !== null)
      throw new DamagedSnapshot(path, 'its database is damaged', error);
    throw error;
  } finally {
    database.close();
  }
}

import type { Random } from '../../base/random.ts';
import type { SealKeys } from './border/opening-settings.ts';
import { refuseMissing } from './database/data-folder.ts';
import { openLocked } from './database/database.ts';
import { reseal, type Resealed, type ResealProgress } from './database/reseal.ts';

/**
 * Seals what the folder holds with `keys.key`, or with none where that is null, and packs texts of more than `packFromBytes`. No server may have it open. Stopped at any
 * moment, it goes on where it was when it is called again. null: there was nothing to do. Throws `StartupError`.
 */
export function resealFolder(
  dataDir: string,
  keys: SealKeys,
  random: Random,
  onProgress?: (progress: ResealProgress) => void,
  packFromBytes = 0,
): Resealed | null {
  refuseMissing(dataDir);
  return openLocked({ dataDir, databasePagesMax: null }, (database, lock, path) => {
    const resealed = reseal({ database, dataDir, path, keys, packFromBytes, random, onProgress });
    database.close();
    lock.close();
    return resealed;
  });
}

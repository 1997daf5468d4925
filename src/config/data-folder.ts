import { existsSync, realpathSync, statfsSync, statSync } from 'node:fs';
import { dirname, sep } from 'node:path';
import { StartupError } from '../base/errors.ts';

/** Where the kernel shows itself: nothing that is written there is kept, and some calls never end. */
const KERNEL_FOLDERS = ['/proc', '/sys', '/dev'];
/** Below those, but memory like any other. */
const SHARED_MEMORY = '/dev/shm';
/** From linux/magic.h: proc, sysfs, devpts and cgroup2, wherever they are mounted. */
const KERNEL_FILE_SYSTEMS = new Set([0x9fa0, 0x62656572, 0x1cd1, 0x63677270]);

/** That data can be kept there, or the folder made: nothing else stands there, and it is no view into the kernel. */
export function checkDataFolder(path: string): void {
  if (existsSync(path) && !statSync(path).isDirectory()) {
    throw new StartupError(
      `the data folder ${path} is a file, not a folder`,
      'Move it away, or set vector_db.data_dir (VECTOR_DB__DATA_DIR) to a folder.',
    );
  }
  const existing = nearestExisting(path);
  const real = realpathSync(existing);
  const isKernels =
    KERNEL_FILE_SYSTEMS.has(statfsSync(existing).type) ||
    (KERNEL_FOLDERS.some((folder) => isWithin(real, folder)) && !isWithin(real, SHARED_MEMORY));
  if (!isKernels) return;
  throw new StartupError(
    `the data folder ${path} lies in ${real}, where no data can be kept`,
    'Set vector_db.data_dir (VECTOR_DB__DATA_DIR) to a folder on a disk.',
  );
}

/** The folder itself, or the nearest one above it that is there. */
export function nearestExisting(path: string): string {
  let existing = path;
  while (!existsSync(existing)) existing = dirname(existing);
  return existing;
}

function isWithin(path: string, folder: string): boolean {
  return path === folder || path.startsWith(folder + sep);
}

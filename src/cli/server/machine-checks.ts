import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { encryptionKeyId } from '../../base/encryption-key-id.ts';
import { resolveEncryptionKeys } from '../../config/encryption-keys.ts';
import type { Settings } from '../../config/settings.ts';

/** What a check found of this machine: what it is, and what should be known of it. */
export interface MachineFinding {
  readonly detail: string;
  readonly warnings: readonly string[];
}

/** Beside a socket for each connection: databases, indexes, threads, the log. */
const OTHER_FILES = 200;

/** How many files a process that is started here may have open; Node raises it to the hard limit. Null: no limit. */
export function openFilesLimit(): number | null {
  const report = process.report as typeof process.report & { excludeNetwork: boolean };
  const wasExcluded = report.excludeNetwork;
  // Looking up who is connected takes its time, and is of no use here.
  report.excludeNetwork = true;
  try {
    const { userLimits } = report.getReport() as unknown as ReportedLimits;
    const limit = userLimits?.open_files?.soft;
    return typeof limit === 'number' ? limit : null;
  } finally {
    report.excludeNetwork = wasExcluded;
  }
}

interface ReportedLimits {
  /** Absent on Windows. */
  readonly userLimits?: { readonly open_files?: { readonly soft: number | 'unlimited' } };
}

/** Whether as many connections as the server may have can be open at a time. */
export function describeOpenFiles(limit: number | null, maxConnections: number): MachineFinding {
  const needed = maxConnections + OTHER_FILES;
  if (limit === null) return { detail: 'any number', warnings: [] };
  const warnings =
    limit < needed
      ? [
          `server.max_connections = ${maxConnections} needs about ${needed}: raise the limit (ulimit -n, LimitNOFILE of systemd), or lower the setting`,
        ]
      : [];
  return { detail: `${limit} at a time`, warnings };
}

/** Whether what is stored is sealed, and with which key. Throws `StartupError` where the key cannot be read or is none. */
export function describeEncryption(vectorDb: Settings['vectorDb']): MachineFinding {
  const { key, previousKey } = resolveEncryptionKeys(vectorDb);
  const warnings =
    previousKey === null
      ? []
      : ['vector_db.previous_encryption_key is set: `reseal` and older snapshots alone need it'];
  if (key === null) return { detail: 'off: texts are stored as they are', warnings };
  return { detail: `on: AES-256-GCM with the key ${encryptionKeyId(key)}`, warnings };
}

const OTHERS = 0o077;

/** Whether anybody but their owner can read or change the data. Where the folder is closed, so is what is in it. */
export function describeModes(dataDir: string): MachineFinding {
  if (process.platform === 'win32') return { detail: 'not checked: Windows has no such modes', warnings: [] };
  const about = statSync(dataDir, { throwIfNoEntry: false });
  if (about === undefined) return { detail: `${dataDir} is not there yet`, warnings: [] };
  if ((about.mode & OTHERS) === 0) return { detail: `${dataDir} is its owner's alone`, warnings: [] };
  const open = readdirSync(dataDir, { withFileTypes: true })
    .filter((entry) => entry.isFile() && (modeOf(join(dataDir, entry.name)) & OTHERS) !== 0)
    .map(({ name }) => name);
  const files =
    open.length === 0 ? [] : [`and can read or change ${open.toSorted().join(', ')}: chmod go= ${join(dataDir, '*')}`];
  const mode = (about.mode & 0o777).toString(8);
  return {
    detail: `${dataDir} has mode ${mode}`,
    warnings: [`others on this machine can look into it: chmod 700 ${dataDir}`, ...files],
  };
}

function modeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mode ?? 0;
}

/** What to know where the database holds nothing and indexes of contexts lie beside it; look before it is opened. */
export function strayIndexes(dataDir: string): string | undefined {
  const folder = join(dataDir, 'indexes');
  const files = statSync(folder, { throwIfNoEntry: false })?.isDirectory() ? readdirSync(folder) : [];
  if (files.length === 0) return undefined;
  return `the database holds nothing, but ${folder} has indexes of contexts: if it was lost or replaced, put it back from a backup before you start the server`;
}

import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { StartupError } from '../../base/errors.ts';
import type { Settings } from '../../config/settings.ts';
import { usageError } from '../terminal/command-error.ts';

export const MOVABLE_DRIVERS = ['embedded', 'qdrant'] as const;

type StoreSettings = Settings['vectorDb'];

/** Which store is meant; what is absent is as the configuration says. */
export interface SideOptions {
  readonly driver: (typeof MOVABLE_DRIVERS)[number];
  readonly dataDir?: string | undefined;
  readonly url?: string | undefined;
  readonly prefix?: string | undefined;
}

/** A store to copy from or to. */
export interface Side {
  readonly name: 'source' | 'destination';
  readonly settings: StoreSettings;
  /** For people. */
  readonly place: string;
  /** Two sides with the same one are the same store. */
  readonly identity: string;
}

/** `folder`: where relative paths start. */
export function sideOf(
  name: Side['name'],
  { driver, dataDir, url, prefix }: SideOptions,
  configured: StoreSettings,
  folder: string,
): Side {
  const options = name === 'source' ? 'from' : 'to';
  if (driver === 'embedded') {
    refuse(options, { url, prefix }, 'qdrant');
    const path = dataDir === undefined ? configured.dataDir : resolve(folder, dataDir);
    const settings = { ...suitedToEmbedded(configured), driver, dataDir: path };
    return { name, settings, place: `the embedded store in ${path}`, identity: `embedded ${realPath(path)}` };
  }
  refuse(options, { 'data-dir': dataDir }, 'embedded');
  const address = url ?? configured.url;
  if (address === undefined)
    throw new StartupError(`the address of the ${name} is not known`, `Give --${options}-url, or set vector_db.url.`);
  if (!URL.canParse(address)) throw usageError(`--${options}-url is not an address: ${address}`);
  if (configured.quantization === 'bf16') {
    throw new StartupError(
      `the ${name} is in Qdrant, which does not know vector_db.quantization = "bf16"`,
      `Give --${options}-config: a file with the settings of the ${name} alone, where it is another one.`,
    );
  }
  const collectionPrefix = prefix ?? configured.collectionPrefix;
  const settings = { ...configured, driver, url: address, collectionPrefix };
  const { host, pathname } = new URL(address);
  return {
    name,
    settings,
    place: `Qdrant at ${host}, collections ${collectionPrefix}_*`,
    identity: `qdrant ${host}${pathname.replace(/\/+$/, '')} ${collectionPrefix}`,
  };
}

function refuse(options: string, given: Readonly<Record<string, string | undefined>>, driver: string): void {
  for (const [name, value] of Object.entries(given))
    if (value !== undefined) throw usageError(`--${options}-${name} is for --${options} ${driver}`);
}

/** One configuration speaks of the store that serves; what of it only Qdrant knows says nothing about this one. */
function suitedToEmbedded(configured: StoreSettings): StoreSettings {
  if (configured.driver === 'embedded') return configured;
  const { quantization } = configured;
  const isKnown = quantization !== 'binary' && quantization !== 'product';
  return { ...configured, distance: 'Cosine', quantization: isKnown ? quantization : 'i8' };
}

/** Links lead to the same folder. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}

import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { keyEntries, type KeyEntry } from '../../config/key-blocks.ts';
import { referencesIn } from '../../config/environment.ts';
import { resolveKeys, type KeySettings } from '../../config/keys.ts';
import { loadConfig, type ConfigFiles, type LoadedConfig } from '../../config/load.ts';
import { nodeConfigFiles } from '../../config/node-files.ts';
import { rewriteFile } from '../../config/rewrite-file.ts';
import type { SecretFiles } from '../../config/secret-file.ts';
import { SECRET_VARIABLE } from '../../config/secret.ts';
import { checkTokens } from '../../fronts/gateway/tokens.ts';
import { CommandError } from '../terminal/command-error.ts';
import type { Io } from '../terminal/io.ts';

type Variables = Readonly<Record<string, string | undefined>>;

/** The file of settings that keys stand in, or are to. */
export interface KeyFile {
  readonly path: string;
  readonly isThere: boolean;
  readonly text: string;
  /** What stands in it; absent: the text. */
  readonly original?: string;
  readonly entries: readonly KeyEntry[];
  /** As a server that is started here would take it, but for secrets that are not known here. */
  readonly loaded: LoadedConfig;
}

const CONFIG_MODE = 0o644;
const PRIVATE_FILE = 0o600;
/** In a variable that a server has and this process does not. */
const unknownSecret = (name: string): string => `the secret of a variable that is not set here: ${name}`;

/** Throws `StartupError` where the settings have a fault, `CommandError` where keys do not stand in a file. */
export function openKeyFile(io: Io, config: string | undefined): KeyFile {
  const variables = variablesOf(io, config);
  const read = nodeConfigFiles;
  const loaded = load(io, variables, read);
  const overrides = Object.keys(io.environment).filter((name) => /^KEYS__|^KEYS(_FILE)?$/.test(name));
  if (overrides.some((name) => name.startsWith('KEYS__')))
    throw new CommandError(
      `the environment says something of keys: ${overrides.join(', ')}`,
      'Unset these variables, and write what they say into [[keys]] of the file with the settings.',
    );
  const path = loaded.origins.of(['keys'])?.name ?? placeFor(io, variables, loaded);
  const text = read.read(path);
  return { path, isThere: text !== null, text: text ?? '', entries: keyEntries(text ?? ''), loaded };
}

/**
 * Puts the text in place, where a server would take it. `variables`: that it will find then. `mode`: of a file that is made.
 * Throws `StartupError` or `CommandError`, and has changed nothing.
 */
export function saveKeyFile(
  io: Io,
  file: KeyFile,
  text: string,
  { config, variables = {}, isPrivate = false }: SaveOptions,
): readonly KeySettings[] {
  const files: ConfigFiles = {
    read: (path) => (path === file.path ? text : nodeConfigFiles.read(path)),
    isFolder: (path) => nodeConfigFiles.isFolder(path),
  };
  const all = { ...variablesOf(io, config), ...variables };
  const loaded = load(io, all, files);
  const keys = keysOf(loaded, all);
  checkTokens(loaded.settings.gateway, keys);
  rewriteFile({
    path: file.path,
    text,
    isUnchanged: () => (nodeConfigFiles.read(file.path) ?? '') === (file.original ?? file.text),
    mode: isPrivate ? PRIVATE_FILE : CONFIG_MODE,
    nowMs: systemClock.nowMs(),
  });
  return keys;
}

export interface SaveOptions {
  readonly config: string | undefined;
  readonly variables?: Variables;
  readonly isPrivate?: boolean;
}

/** Those that may connect by what is configured. */
export function keysOf(loaded: LoadedConfig, variables: Variables): readonly KeySettings[] {
  // The default key's own secret is none of what is decided here, and may be another user's to read.
  const files: SecretFiles = {
    read: (path) => ({ text: unknownSecret(path), mode: PRIVATE_FILE }),
    restrict: () => true,
    createExclusively: () => false,
  };
  const environment = { ...variables, [SECRET_VARIABLE]: variables[SECRET_VARIABLE] || unknownSecret(SECRET_VARIABLE) };
  return resolveKeys(loaded, { environment, files }).keys;
}

export function variablesOf(io: Io, config: string | undefined): Variables {
  const { environment, folder } = io;
  return config === undefined ? environment : { ...environment, CONFIG_PATH: resolve(folder, config) };
}

/** Secrets stand in variables of the server's own as a rule, which whoever types a command does not have. */
function load({ folder }: Io, variables: Variables, files: ConfigFiles): LoadedConfig {
  const missing: Record<string, string> = {};
  const looking: ConfigFiles = {
    isFolder: (path) => files.isFolder(path),
    read(path) {
      const text = files.read(path);
      for (const name of text === null ? [] : secretVariables(text))
        if (variables[name] === undefined) missing[name] = unknownSecret(name);
      return text;
    },
  };
  try {
    return loadConfig({ environment: variables, folder, files: looking });
  } catch (error) {
    if (Object.keys(missing).length === 0) throw error;
    return loadConfig({ environment: { ...missing, ...variables }, folder, files });
  }
}

function secretVariables(text: string): string[] {
  try {
    return keyEntries(text).flatMap(({ secret }) => (typeof secret === 'string' ? referencesIn(secret) : []));
  } catch {
    return [];
  }
}

/** Where keys go that are the first ones: to the file that is named, else to the last that is read. */
function placeFor({ folder }: Io, variables: Variables, { filesRead }: LoadedConfig): string {
  const named = variables['CONFIG_PATH'];
  const isFile = named !== undefined && named !== '' && statSync(resolve(folder, named)).isFile();
  return isFile ? resolve(folder, named) : (filesRead.at(-1) ?? join(folder, 'config', 'default.toml'));
}

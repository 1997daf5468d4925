import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { StartupError } from '../base/errors.ts';
import { expand, mistypedOverrides, overrideText, readOverrides, setAt, type Environment } from './environment.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import { toSettings, type Settings } from './settings.ts';
import { leaves, mapLeaves, mergeTrees, pathText, schemaAt, type SettingPath, type Tree } from './tree.ts';
import { UnreadableFile } from './text-file.ts';
import { validate, type Problem } from './validate.ts';

/** The part of a file system that reading the configuration needs. */
export interface ConfigFiles {
  /** The file's text; null where there is no file. Throws `UnreadableFile`. */
  read(path: string): string | null;
  isFolder(path: string): boolean;
}

export interface ConfigSource {
  readonly environment: Environment;
  /** Folder that `config/` and relative paths are looked up in. */
  readonly folder: string;
  readonly files: ConfigFiles;
}

export interface LoadedConfig {
  /** Paths in it are absolute. */
  readonly settings: Settings;
  /** `CONFIG_ENV`, else `development`. */
  readonly environmentName: string;
  readonly production: boolean;
  /** Files that were read, in order; later ones win. */
  readonly filesRead: readonly string[];
  /** For the log. */
  readonly warnings: readonly string[];
}

const WELL_KNOWN_ENVIRONMENTS = ['development', 'production', 'test'];
const REFERENCE = join('config', 'reference.toml');
/** The package's own, beside src/ in a checkout and above dist/ where it is installed. */
const PACKAGE_REFERENCE = fileURLToPath(
  new URL(
    import.meta.url.endsWith('.ts') ? '../../config/reference.toml' : '../../../config/reference.toml',
    import.meta.url,
  ),
);

/**
 * Defaults, `config/default.toml`, `config/<CONFIG_ENV>.toml`, `CONFIG_PATH` (a file, or a folder of the same two
 * files), then variables `SECTION__KEY`: later ones win. Throws `StartupError` naming file or variable and setting.
 */
export function loadConfig(source: ConfigSource): LoadedConfig {
  const environmentName = source.environment['CONFIG_ENV'] || 'development';
  const layers = readLayers(source, environmentName);
  const origins = new Map<string, string>();
  const problems: Problem[] = [];
  let tree: Tree = {};
  for (const layer of layers) {
    const filled = mapLeaves(layer.tree, (leaf, path) => prepare(leaf, path, source.environment, problems)) as Tree;
    noteOrigins(origins, filled, layer.file);
    tree = mergeTrees(tree, filled);
  }
  for (const override of readOverrides(CONFIG_SCHEMA, source.environment)) {
    setAt(tree, override.path, override.value);
    origins.set(pathText(override.path), overrideText(override));
  }
  // What a missing variable left empty is no second error.
  const incomplete = new Set(problems.map(({ path }) => pathText(path)));
  problems.push(...validate(CONFIG_SCHEMA, tree).filter(({ path }) => !incomplete.has(pathText(path))));
  if (problems.length > 0) throw new StartupError(describe(problems, origins), remedyOf(source));
  return {
    settings: withAbsolutePaths(toSettings(tree), source.folder),
    environmentName,
    // Where file systems know no case, config/production.toml is found by the other names, too.
    production: environmentName.toLowerCase() === 'production',
    filesRead: layers.map((layer) => layer.file),
    warnings: mistypedOverrides(CONFIG_SCHEMA, source.environment),
  };
}

function withAbsolutePaths(settings: Settings, folder: string): Settings {
  const { vectorDb } = settings;
  return Object.freeze({
    ...settings,
    vectorDb: Object.freeze({ ...vectorDb, dataDir: resolve(folder, vectorDb.dataDir) }),
  });
}

function remedyOf({ files, folder }: ConfigSource): string {
  const reference = files.read(join(folder, REFERENCE)) === null ? PACKAGE_REFERENCE : REFERENCE;
  return `Correct it; ${reference} lists every setting with its default and bounds.`;
}

interface Layer {
  readonly file: string;
  readonly tree: Tree;
}

function readLayers(source: ConfigSource, environmentName: string): Layer[] {
  const layers = readFolder(source, join(source.folder, 'config'), environmentName);
  const given = source.environment['CONFIG_PATH'];
  if (given) layers.push(...readGiven(source, resolve(source.folder, given), environmentName));
  const named = layers.some(({ file }) => file.endsWith(`${environmentName}.toml`));
  if (!named && !WELL_KNOWN_ENVIRONMENTS.includes(environmentName)) {
    throw new StartupError(
      `CONFIG_ENV is "${environmentName}", but there is no config/${environmentName}.toml`,
      `Add that file, or set CONFIG_ENV to one of ${WELL_KNOWN_ENVIRONMENTS.join(', ')}.`,
    );
  }
  return layers;
}

function readFolder(source: ConfigSource, folder: string, environmentName: string): Layer[] {
  return ['default', environmentName].flatMap((name) => readToml(source.files, join(folder, `${name}.toml`)) ?? []);
}

function readGiven(source: ConfigSource, path: string, environmentName: string): Layer[] {
  if (source.files.isFolder(path)) {
    const layers = readFolder(source, path, environmentName);
    if (layers.length > 0) return layers;
    throw new StartupError(
      `CONFIG_PATH names the folder ${path}, which holds neither default.toml nor ${environmentName}.toml`,
      'Put one of the two there, or name a file.',
    );
  }
  const layer = readToml(source.files, path);
  if (layer === null) {
    throw new StartupError(`CONFIG_PATH names ${path}, which does not exist`, 'Correct CONFIG_PATH, or unset it.');
  }
  return [layer];
}

function readToml(files: ConfigFiles, file: string): Layer | null {
  let text: string | null;
  try {
    text = files.read(file);
  } catch (error) {
    if (error instanceof UnreadableFile) throw new StartupError(error.message, error.remedy, error);
    throw error;
  }
  if (text === null) return null;
  try {
    return { file, tree: parse(text) };
  } catch (error) {
    // The parser's message quotes the line it stopped at, which may hold a secret: only its first line is shown.
    const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : '';
    const place = error instanceof Error && 'line' in error ? `:${String(error.line)}` : '';
    throw new StartupError(
      `${file}${place} is not valid TOML: ${reason}`,
      'Correct the line; see https://toml.io.',
      error,
    );
  }
}

/** TOML dates become ISO text, `${VAR}` the variable's text. */
function prepare(leaf: unknown, path: SettingPath, environment: Environment, problems: Problem[]): unknown {
  const schema = schemaAt(CONFIG_SCHEMA, path);
  if (leaf instanceof Date) {
    if (schema?.type === 'string' && schema.format !== 'date-time')
      problems.push({ path, message: 'must be a text in quotes, not a date' });
    return leaf.toISOString();
  }
  if (typeof leaf !== 'string') return leaf;
  // No path, name or address can hold it; the system would cut it short or refuse it, without saying what it belongs to.
  if (leaf.includes('\0')) problems.push({ path, message: 'must not hold the character NUL' });
  return expand(schema, leaf, path, environment, problems);
}

function noteOrigins(origins: Map<string, string>, tree: Tree, file: string): void {
  for (const { path } of leaves(tree)) {
    for (let length = 1; length <= path.length; length++) origins.set(pathText(path.slice(0, length)), file);
  }
}

function describe(problems: readonly Problem[], origins: ReadonlyMap<string, string>): string {
  const lines = problems.map(({ path, message }) => {
    const origin = originOf(path, origins);
    return `${origin === undefined ? '' : `${origin}: `}\`${pathText(path)}\` ${message}`;
  });
  return lines.length === 1
    ? (lines[0] ?? '')
    : `the configuration has ${lines.length} errors:\n  ${lines.join('\n  ')}`;
}

/** Where the setting, or the nearest table around it, was written. */
function originOf(path: SettingPath, origins: ReadonlyMap<string, string>): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const origin = origins.get(pathText(path.slice(0, length)));
    if (origin !== undefined) return origin;
  }
  return undefined;
}

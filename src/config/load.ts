import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parse } from 'smol-toml';
import { StartupError } from '../base/errors.ts';
import { schemaUnder, settleAliases } from './aliases.ts';
import { expand, mistypedOverrides, readOverrides, referencesIn, type Environment } from './environment.ts';
import { Origins, type Origin } from './origins.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import type { SettingSchema } from './setting.ts';
import { toSettings, type Settings } from './settings.ts';
import {
  deleteAt,
  isTree,
  mapLeaves,
  mergeTrees,
  pathText,
  schemaAt,
  setAt,
  valueAt,
  type SettingPath,
  type Tree,
} from './tree.ts';
import { SECRET_VARIABLE } from './secret.ts';
import { UnreadableFile } from './text-file.ts';
import { textOf, withVariableFiles, writtenAs } from './variable-files.ts';
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
  /** The same under the names of files. */
  readonly values: Tree;
  readonly origins: Origins;
  /** What the file holds that `PROTOCOL_SECRET_FILE` names; absent: it names none. */
  readonly mountedSecret?: string;
  /** `CONFIG_ENV`, else `development`. */
  readonly environmentName: string;
  readonly production: boolean;
  /** Files that were read, in order; later ones win. */
  readonly filesRead: readonly string[];
  /** Variables that are most likely mistyped, for the log. */
  readonly warnings: readonly string[];
  /** Settings that others make useless, for the log. */
  readonly unused: readonly string[];
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
  const { folder, files } = source;
  const environment = withVariableFiles(source.environment, (path) => files.read(resolve(folder, path)));
  const environmentName = environment['CONFIG_ENV'] || 'development';
  const layers = readLayers(source, environmentName);
  const origins = new Origins();
  const problems: Problem[] = [];
  let tree: Tree = {};
  for (const layer of layers)
    tree = mergeTrees(tree, settledLayer(layer, { ...source, environment }, origins, problems));
  applyOverrides(tree, environment, (variable) => writtenAs(variable, source.environment), origins, problems);
  const unused = follow(CONFIG_SCHEMA, tree, origins);
  // What a missing variable left empty is no second error.
  const incomplete = new Set(problems.map(({ path }) => pathText(path)));
  problems.push(...validate(CONFIG_SCHEMA, tree).filter(({ path }) => !incomplete.has(pathText(path))));
  if (problems.length > 0) throw new StartupError(describe(problems, origins), remedyOf(source));
  const values = mapLeaves(tree, (leaf, path) => absolutePath(leaf, path, folder)) as Tree;
  const secret = source.environment[SECRET_VARIABLE] ? undefined : environment[SECRET_VARIABLE];
  return {
    settings: toSettings(values),
    values,
    origins,
    ...(secret === undefined ? {} : { mountedSecret: secret }),
    environmentName,
    // Where file systems know no case, config/production.toml is found by the other names, too.
    production: environmentName.toLowerCase() === 'production',
    filesRead: layers.map((layer) => layer.file),
    warnings: mistypedOverrides(CONFIG_SCHEMA, environment),
    unused,
  };
}

/** A file's tree with its variables filled in, under the settings' own names. */
function settledLayer({ tree, file }: Layer, source: ConfigSource, origins: Origins, problems: Problem[]): Tree {
  const origin: Origin = { source: 'file', name: file };
  const taking = new Map<string, Origin>();
  const own: Problem[] = [];
  const filled = mapLeaves(tree, (leaf, path) => {
    const variables = typeof leaf === 'string' ? referencesIn(leaf) : [];
    if (variables.length > 0) taking.set(pathText(path), { ...origin, variables });
    return prepare(leaf, path, source, own);
  }) as Tree;
  origins.note([], filled, origin, (path) => taking.get(pathText(path)));
  for (const { path, value, writtenAs } of settleAliases((at) => valueAt(filled, at), own)) {
    deleteAt(filled, writtenAs);
    if (value === undefined || !setAt(filled, path, value)) continue;
    origins.note(path, value, { ...(origins.of(writtenAs) ?? origin), alias: pathText(writtenAs) });
  }
  problems.push(...own);
  return filled;
}

function applyOverrides(
  tree: Tree,
  environment: Environment,
  nameOf: (variable: string) => string,
  origins: Origins,
  problems: Problem[],
): void {
  const overrides = readOverrides(CONFIG_SCHEMA, environment, schemaUnder);
  const byPath = new Map(overrides.map((override) => [pathText(override.path), override]));
  const own: Problem[] = [];
  const aliased = settleAliases((path) => byPath.get(pathText(path))?.value, own);
  const settledBy = new Map(aliased.map((settled) => [pathText(settled.writtenAs), settled]));
  for (const { path, value, variable } of overrides) {
    const settled = settledBy.get(pathText(path));
    const origin: Origin = { source: 'environment', name: nameOf(variable) };
    origins.note(path, value, origin);
    if (settled === undefined) setAt(tree, path, value);
    else if (settled.value !== undefined) setAt(tree, settled.path, settled.value);
    if (settled !== undefined) origins.note(settled.path, settled.value, { ...origin, alias: pathText(path) });
  }
  problems.push(...own);
}

/**
 * Settings that are not given and follow from a sibling get its value. Returns what to say of siblings that are given
 * while the setting says something else.
 */
function follow(schema: SettingSchema, tree: Tree, origins: Origins, path: SettingPath = []): string[] {
  const unused: string[] = [];
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const here = [...path, name];
    const value = tree[name];
    if (child.follows !== undefined && tree[child.follows.sibling] !== undefined) {
      const sibling = [...path, child.follows.sibling];
      if (value === undefined) {
        tree[name] = child.follows.value;
        const origin = origins.of(sibling);
        if (origin !== undefined)
          origins.note(here, tree[name], { source: origin.source, name: origin.name, follows: pathText(sibling) });
      } else if (value !== child.follows.value) {
        unused.push(`\`${pathText(sibling)}\` is not used: \`${pathText(here)}\` is ${JSON.stringify(value)}`);
      }
    }
    if (isTree(value)) unused.push(...follow(child, value, origins, here));
  }
  return unused;
}

function absolutePath(leaf: unknown, path: SettingPath, folder: string): unknown {
  return typeof leaf === 'string' && schemaAt(CONFIG_SCHEMA, path)?.isPath === true ? resolve(folder, leaf) : leaf;
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
function prepare(leaf: unknown, path: SettingPath, source: ConfigSource, problems: Problem[]): unknown {
  const schema = schemaUnder(path);
  if (leaf instanceof Date) {
    if (schema?.type === 'string' && schema.format !== 'date-time')
      problems.push({ path, message: 'must be a text in quotes, not a date' });
    return leaf.toISOString();
  }
  if (typeof leaf !== 'string') return leaf;
  // No path, name or address can hold it; the system would cut it short or refuse it, without saying what it belongs to.
  if (leaf.includes('\0')) problems.push({ path, message: 'must not hold the character NUL' });
  const readText = (file: string): string =>
    textOf(`\`${pathText(path)}\``, file, (name) => source.files.read(resolve(source.folder, name)));
  return expand(schema, leaf, path, source.environment, readText, problems);
}

function describe(problems: readonly Problem[], origins: Origins): string {
  const lines = problems.map(({ path, message }) => `${origins.describe(path)}\`${pathText(path)}\` ${message}`);
  return lines.length === 1
    ? (lines[0] ?? '')
    : `the configuration has ${lines.length} errors:\n  ${lines.join('\n  ')}`;
}

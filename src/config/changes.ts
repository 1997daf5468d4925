import { CONFIG_SCHEMA } from './schema.ts';
import type { SettingSchema } from './setting.ts';
import { isTree, pathText, type SettingPath, type Tree } from './tree.ts';

/** Names of settings that differ between two configurations. */
export interface SettingChanges {
  /** A running server takes them over. */
  readonly live: readonly string[];
  /** They count from its next start on. */
  readonly afterRestart: readonly string[];
}

/** A list is one setting, and so is all that stands in it. */
export function changedSettings(before: Tree, after: Tree): SettingChanges {
  const changed = changesUnder(CONFIG_SCHEMA, before, after, []);
  const namesOf = (isLive: boolean): string[] =>
    changed.filter(({ schema }) => (schema.isLive === true) === isLive).map(({ path }) => pathText(path));
  return { live: namesOf(true), afterRestart: namesOf(false) };
}

interface Changed {
  readonly path: SettingPath;
  readonly schema: SettingSchema;
}

function changesUnder(schema: SettingSchema, before: unknown, after: unknown, path: SettingPath): Changed[] {
  const { properties } = schema;
  if (properties === undefined) {
    const [one, other] = [before, after].map((value) => JSON.stringify(value ?? schema.default ?? null));
    return one === other ? [] : [{ path, schema }];
  }
  const [from, to] = [before, after].map((value) => (isTree(value) ? value : {})) as [Tree, Tree];
  return Object.entries(properties).flatMap(([name, child]) =>
    changesUnder(child, from[name], to[name], [...path, name]),
  );
}

import { CONFIG_SCHEMA } from './schema.ts';
import type { SettingSchema, ValueOf } from './setting.ts';
import { camelCase, deepFreeze, isTree, type Tree } from './tree.ts';

/** Everything that an operator can turn, by the schema's names in camelCase: `hirag.l1Size`, `vectorDb.hnsw.m`. */
export type Settings = ValueOf<typeof CONFIG_SCHEMA>;

/** Names of TOML and the environment become those of the code; what `tree` leaves out has its default. `tree` is valid. */
export function toSettings(tree: Tree): Settings {
  return deepFreeze(rename(CONFIG_SCHEMA, tree)) as Settings;
}

/** What holds where nothing is configured. */
export function defaultSettings(): Settings {
  return toSettings({});
}

function rename(schema: SettingSchema, given: unknown): unknown {
  const value = given === undefined ? schema.default : given;
  const { items, properties } = schema;
  if (items !== undefined && Array.isArray(value)) return value.map((item) => rename(items, item));
  if (properties === undefined || !isTree(value)) return value;
  const entries = Object.entries(properties).map(([name, child]) => [
    schema.verbatimNames ? name : camelCase(name),
    rename(child, value[name]),
  ]);
  return Object.fromEntries(entries.filter(([, child]) => child !== undefined));
}

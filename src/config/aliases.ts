import { isDeepStrictEqual } from 'node:util';
import { CONFIG_SCHEMA } from './schema.ts';
import type { SettingSchema } from './setting.ts';
import { pathText, schemaAt, type SettingPath } from './tree.ts';
import { validate, type Problem } from './validate.ts';

/** A setting under another of its names. */
interface Alias {
  readonly path: SettingPath;
  readonly setting: SettingPath;
  /** What may stand there, in the units of the alias. */
  readonly schema: SettingSchema;
  readonly perOne: number;
}

/** What a source says under another name, as the setting. */
export interface Settled {
  readonly path: SettingPath;
  /** Undefined: it is refused, which the problems say. */
  readonly value: unknown;
  readonly writtenAs: SettingPath;
}

const ALIASES: ReadonlyMap<string, Alias> = new Map(
  aliasesIn(CONFIG_SCHEMA, []).map((alias) => [pathText(alias.path), alias]),
);

/** The schema of what stands at a path, by whichever of its names; absent where the path leads nowhere. */
export function schemaUnder(path: SettingPath): SettingSchema | undefined {
  return schemaAt(CONFIG_SCHEMA, path) ?? ALIASES.get(pathText(path))?.schema;
}

/**
 * What one source (a file, or the environment) says under other names. `said` gives what it says at a path, undefined
 * for nothing. One setting under two names is a problem where they differ.
 */
export function settleAliases(said: (path: SettingPath) => unknown, problems: Problem[]): Settled[] {
  const incomplete = new Set(problems.map(({ path }) => pathText(path)));
  const settled = new Map<string, Settled>();
  for (const alias of ALIASES.values()) {
    const written = said(alias.path);
    if (written === undefined) continue;
    const name = pathText(alias.setting);
    const refused = incomplete.has(pathText(alias.path)) || isRefused(alias, written, problems);
    const value = refused ? undefined : inOwnUnits(alias, written);
    const rival = settled.get(name) ?? { value: said(alias.setting), writtenAs: alias.setting };
    if (!refused && rival.value !== undefined && !isDeepStrictEqual(rival.value, value)) {
      const message = `and \`${pathText(rival.writtenAs)}\` are two names of one setting, and differ: leave one of them out`;
      problems.push({ path: alias.path, message });
    }
    settled.set(name, { path: alias.setting, value, writtenAs: alias.path });
  }
  return [...settled.values()];
}

/** Adds what is wrong with the value, in the words and units of the alias: it is what was written. */
function isRefused(alias: Alias, value: unknown, problems: Problem[]): boolean {
  const table = { type: 'object', properties: { value: alias.schema } } as const;
  const found = validate(table, { value });
  problems.push(...found.map(({ message }) => ({ path: alias.path, message })));
  return found.length > 0;
}

function inOwnUnits({ perOne }: Alias, value: unknown): unknown {
  return perOne === 1 ? value : Number(value) / perOne;
}

function aliasesIn(schema: SettingSchema, path: SettingPath): Alias[] {
  const own = (schema.aliases ?? []).map(({ name, unit }): Alias => {
    const perOne = unit?.perOne ?? 1;
    return { path: name.split('.'), setting: path, schema: inUnits(schema, perOne), perOne };
  });
  const inside = Object.entries(schema.properties ?? {});
  return [...own, ...inside.flatMap(([name, child]) => aliasesIn(child, [...path, name]))];
}

function inUnits(schema: SettingSchema, perOne: number): SettingSchema {
  const { minimum, maximum } = schema;
  if (perOne === 1 || minimum === undefined || maximum === undefined) return schema;
  return { ...schema, minimum: minimum * perOne, maximum: maximum * perOne };
}

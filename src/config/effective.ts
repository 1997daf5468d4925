import type { LoadedConfig } from './load.ts';
import type { Origin } from './origins.ts';
import { CONFIG_SCHEMA } from './schema.ts';
import type { SettingSchema } from './setting.ts';
import { isTree, pathText, type SettingPath } from './tree.ts';

/** One setting as the server runs with it, free of secrets. */
export interface EffectiveSetting {
  /** As in a file: `keys[0].scopes`. */
  readonly name: string;
  /** Null where it is not set, and where it is a secret. */
  readonly value: unknown;
  readonly hidden: boolean;
  /** Absent: its default. */
  readonly origin?: Origin;
}

/** Every setting, in the order of the reference. */
export function effectiveSettings({ values, origins }: Pick<LoadedConfig, 'values' | 'origins'>): EffectiveSetting[] {
  return settingsUnder(CONFIG_SCHEMA, values, []).map(({ path, schema, value }) => {
    const origin = origins.of(path);
    const hidden = schema.writeOnly === true && value !== undefined;
    return {
      name: pathText(path),
      value: hidden ? null : (shown(schema, value) ?? null),
      hidden,
      ...(origin === undefined ? {} : { origin }),
    };
  });
}

interface Found {
  readonly path: SettingPath;
  readonly schema: SettingSchema;
  readonly value: unknown;
}

function settingsUnder(schema: SettingSchema, value: unknown, path: SettingPath): Found[] {
  const { properties, items } = schema;
  if (properties !== undefined) {
    const table = isTree(value) ? value : {};
    return Object.entries(properties).flatMap(([name, child]) => settingsUnder(child, table[name], [...path, name]));
  }
  if (items?.properties !== undefined && Array.isArray(value) && value.length > 0)
    return value.flatMap((item, place) => settingsUnder(items, item, [...path, place]));
  return [{ path, schema, value }];
}

/** What stands in the query of an address may be a key of the service, and what stands before its host is one. */
function shown(schema: SettingSchema, value: unknown): unknown {
  if (typeof value !== 'string') return value;
  if (schema.format === 'http-url') return value.replaceAll(/([?&][^=&#]*=)[^&#]+/g, '$1...');
  if (schema.format === 'redis-url') return value.replace(/^(\w+:\/\/).*@/, '$1...@');
  return value;
}

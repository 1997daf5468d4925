import type { SettingSchema } from './setting.ts';

export type Tree = { [key: string]: unknown };
/** Keys from the root; a number is a place in an array. */
export type SettingPath = readonly (string | number)[];

export function isTree(value: unknown): value is Tree {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** As people write it: `keys[0].secret`. */
export function pathText(path: SettingPath): string {
  return path.map((part, place) => (typeof part === 'number' ? `[${part}]` : place === 0 ? part : `.${part}`)).join('');
}

/** Writes `later` over `earlier`, table by table; anything that is not a table replaces what was there. */
export function mergeTrees(earlier: Tree, later: Tree): Tree {
  // By entries, so that `__proto__` is a key like any other.
  const merged = new Map(Object.entries(earlier));
  for (const [key, value] of Object.entries(later)) {
    const before = merged.get(key);
    merged.set(key, isTree(before) && isTree(value) ? mergeTrees(before, value) : value);
  }
  return Object.fromEntries(merged);
}

/** Every value that is neither table nor array, with its path. */
export function leaves(value: unknown, path: SettingPath = []): { path: SettingPath; value: unknown }[] {
  if (Array.isArray(value)) return value.flatMap((item, place) => leaves(item, [...path, place]));
  if (isTree(value)) return Object.entries(value).flatMap(([key, child]) => leaves(child, [...path, key]));
  return [{ path, value }];
}

/** A copy in which `change` has replaced every leaf. */
export function mapLeaves(
  value: unknown,
  change: (leaf: unknown, path: SettingPath) => unknown,
  path: SettingPath = [],
): unknown {
  if (Array.isArray(value)) return value.map((item, place) => mapLeaves(item, change, [...path, place]));
  if (isTree(value)) {
    return Object.fromEntries(
      Object.entries(value).map(([key, child]) => [key, mapLeaves(child, change, [...path, key])]),
    );
  }
  return change(value, path);
}

/** What stands at a path of tables; undefined for nothing. */
export function valueAt(tree: Tree, path: SettingPath): unknown {
  let here: unknown = tree;
  for (const part of path) here = isTree(here) && Object.hasOwn(here, part) ? here[part] : undefined;
  return here;
}

export function deleteAt(tree: Tree, path: SettingPath): void {
  const parent = valueAt(tree, path.slice(0, -1));
  if (isTree(parent)) delete parent[path.at(-1) ?? ''];
}

/**
 * Writes one value into the tree, making the tables and list items on its way. False, with nothing written, where
 * something else than a table or list stands there.
 */
export function setAt(tree: Tree, path: SettingPath, value: unknown): boolean {
  let here: Record<string | number, unknown> = tree;
  for (const [place, part] of path.slice(0, -1).entries()) {
    if (!Object.hasOwn(here, part)) here[part] = typeof path[place + 1] === 'number' ? [] : {};
    const child = here[part];
    if (typeof child !== 'object' || child === null) return false;
    here = child as Record<string | number, unknown>;
  }
  const last = path.at(-1);
  if (last !== undefined) here[last] = value;
  return true;
}

/** The schema that a path leads to; absent where the path leads nowhere. */
export function schemaAt(schema: SettingSchema, path: SettingPath): SettingSchema | undefined {
  let here: SettingSchema | undefined = schema;
  for (const part of path) {
    if (here === undefined) return undefined;
    here =
      typeof part === 'number'
        ? here.items
        : Object.hasOwn(here.properties ?? {}, part)
          ? here.properties?.[part]
          : undefined;
  }
  return here;
}

/** `max_age_ms` as `maxAgeMs`. */
export function camelCase(name: string): string {
  return name.replaceAll(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const child of Object.values(value)) deepFreeze(child);
  }
  return value;
}

import type { JsonValue } from '../base/context.ts';
import type { Format } from './formats.ts';

declare const VALUE: unique symbol;

/** JSON Schema of one setting: the one place of its type, default, bounds and meaning. */
export interface SettingSchema {
  /** Absent: `anyOf` says what it may be. */
  readonly type?: 'string' | 'integer' | 'number' | 'boolean' | 'array' | 'object';
  readonly description?: string;
  readonly default?: JsonValue;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minLength?: number;
  readonly maxLength?: number;
  readonly pattern?: string;
  readonly format?: Format;
  readonly enum?: readonly string[];
  readonly anyOf?: readonly SettingSchema[];
  readonly items?: SettingSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  /** Its names are words that the code knows as they are, such as levels: they do not become camelCase. */
  readonly verbatimNames?: true;
  /** A secret: never printed. */
  readonly writeOnly?: true;
  /** A running server takes a change of it over when it is told to. */
  readonly isLive?: true;
  /** A file or folder, relative to where the server is started. */
  readonly isPath?: true;
  readonly aliases?: readonly AliasSchema[];
  readonly follows?: FollowSchema;
}

/** Another name of the setting. */
export interface AliasSchema {
  /** From the root, as `embedding.timeout_ms`. */
  readonly name: string;
  /** Absent: that of the setting. */
  readonly unit?: Unit;
}

export interface Unit {
  /** Of its units, so many are one of the setting's. */
  readonly perOne: number;
  readonly name: string;
}

/** Where the setting is not given and `sibling`, in the same section, is, it has `value` instead of its default. */
export interface FollowSchema {
  readonly sibling: string;
  readonly value: string;
}

/** A schema that also carries the TypeScript type of its value, as the code sees it: with names in camelCase. */
export type Setting<T> = SettingSchema & { readonly [VALUE]?: T };

export type ValueOf<S> = S extends Setting<infer T> ? T : never;

type CamelCase<Name> = Name extends `${infer Head}_${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : Name;

type Properties = Readonly<Record<string, SettingSchema>>;
type Present<P> = { readonly [K in keyof P as CamelCase<K>]: ValueOf<P[K]> };
type Absentable<P> = { readonly [K in keyof P as CamelCase<K>]?: ValueOf<P[K]> };

export function integer(byDefault: number, minimum: number, maximum: number, description: string): Setting<number> {
  return { type: 'integer', default: byDefault, minimum, maximum, description };
}

export function number(byDefault: number, minimum: number, maximum: number, description: string): Setting<number> {
  return { type: 'number', default: byDefault, minimum, maximum, description };
}

export function flag(byDefault: boolean, description: string): Setting<boolean> {
  return { type: 'boolean', default: byDefault, description };
}

export function text(byDefault: string, description: string, rules: Partial<SettingSchema> = {}): Setting<string> {
  return { type: 'string', default: byDefault, minLength: 1, description, ...rules };
}

export function folder(byDefault: string, description: string): Setting<string> {
  return text(byDefault, description, { isPath: true });
}

/** A text without a default: the setting is required, or absent where its section says so. */
export function bareText(description: string, rules: Partial<SettingSchema> = {}): Setting<string> {
  return { type: 'string', minLength: 1, description, ...rules };
}

/** A flag without a default. */
export function bareFlag(description: string): Setting<boolean> {
  return { type: 'boolean', description };
}

/** A number without a default. */
export function bareNumber(
  type: 'integer' | 'number',
  minimum: number,
  maximum: number,
  description: string,
): Setting<number> {
  return { type, minimum, maximum, description };
}

export function choice<const T extends string>(
  byDefault: NoInfer<T>,
  options: readonly T[],
  description: string,
): Setting<T> {
  return { type: 'string', default: byDefault, enum: options, description };
}

/** The setting, also known by another name, which may be in other units. */
export function withAlias<S extends SettingSchema>(setting: S, name: string, unit?: Unit): S {
  const alias = { name, ...(unit === undefined ? {} : { unit }) };
  return { ...setting, aliases: [...(setting.aliases ?? []), alias] };
}

/** The setting, which a running server takes over anew when it is told to. */
export function live<S extends SettingSchema>(setting: S): S {
  return { ...setting, isLive: true };
}

/** The setting, with `value` where it is not given and its sibling is. */
export function following<S extends SettingSchema>(setting: S, sibling: string, value: string): S {
  return { ...setting, follows: { sibling, value } };
}

/** A choice without a default, for the items of a list. */
export function oneOf<const T extends string>(options: readonly T[], description: string): Setting<T> {
  return { type: 'string', enum: options, description };
}

export function list<T>(
  byDefault: readonly JsonValue[],
  items: Setting<T>,
  minItems: number,
  maxItems: number,
  description: string,
): Setting<readonly T[]> {
  return { type: 'array', items, minItems, maxItems, description, default: byDefault };
}

/** A table that refuses keys which are not declared; properties without a default must be given, unless they stand in `optional`. */
export function section<P extends Properties, O extends Properties = Record<never, never>>(
  description: string,
  properties: P,
  optional?: O,
): Setting<Present<P> & Absentable<O>> {
  return table(description, properties, optional);
}

/** A section whose names are words of the code's own, kept as they are. */
export function record<P extends Properties>(
  description: string,
  properties: P,
): Setting<{ readonly [K in keyof P]: ValueOf<P[K]> }> {
  return { ...table(description, properties), verbatimNames: true };
}

function table(description: string, properties: Properties, optional: Properties = {}): SettingSchema {
  const required = Object.entries(properties).filter(([, schema]) => schema.default === undefined);
  return {
    type: 'object',
    description,
    properties: { ...properties, ...optional },
    required: required.map(([name]) => name),
    additionalProperties: false,
    ...(required.length === 0 ? { default: {} } : {}),
  };
}

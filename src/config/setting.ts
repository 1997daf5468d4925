import type { JsonValue } from '../base/context.ts';

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
  readonly enum?: readonly string[];
  readonly anyOf?: readonly SettingSchema[];
  readonly items?: SettingSchema;
  readonly minItems?: number;
  readonly maxItems?: number;
  readonly properties?: Readonly<Record<string, SettingSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: false;
  /** A secret: never printed. */
  readonly writeOnly?: true;
}

/** A schema that also carries the TypeScript type of its value. */
export type Setting<T> = SettingSchema & { readonly [VALUE]?: T };

export type ValueOf<S> = S extends Setting<infer T> ? T : never;

type Settings = Readonly<Record<string, SettingSchema>>;
type Present<P> = { readonly [K in keyof P]: ValueOf<P[K]> };
type Absentable<P> = { readonly [K in keyof P]?: ValueOf<P[K]> };

export function integer(byDefault: number, minimum: number, maximum: number, description: string): Setting<number> {
  return { type: 'integer', default: byDefault, minimum, maximum, description };
}

export function number(byDefault: number, minimum: number, maximum: number, description: string): Setting<number> {
  return { type: 'number', default: byDefault, minimum, maximum, description };
}

export function flag(byDefault: boolean, description: string): Setting<boolean> {
  return { type: 'boolean', default: byDefault, description };
}

export function text(byDefault: string, description: string): Setting<string> {
  return { type: 'string', default: byDefault, minLength: 1, description };
}

/** A text without a default: the setting is required, or absent where its section says so. */
export function bareText(description: string, rules: Partial<SettingSchema> = {}): Setting<string> {
  return { type: 'string', minLength: 1, description, ...rules };
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

/** Refuses keys that are not declared; properties without a default must be given, unless they stand in `optional`. */
export function section<P extends Settings, O extends Settings = Record<never, never>>(
  description: string,
  properties: P,
  optional?: O,
): Setting<Present<P> & Absentable<O>> {
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

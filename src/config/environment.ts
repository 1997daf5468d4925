import { StartupError } from '../base/errors.ts';
import type { SettingSchema } from './setting.ts';
import { editDistance } from './suggest.ts';
import { schemaAt, type SettingPath } from './tree.ts';
import type { Problem } from './validate.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Override {
  readonly variable: string;
  readonly path: SettingPath;
  readonly value: unknown;
}

/**
 * Variables named `SECTION__KEY`, nested `SECTION__TABLE__KEY`, in lists `KEYS__0__SECRET`.
 * Variables whose first part is no section belong to somebody else.
 */
export function readOverrides(
  schema: SettingSchema,
  environment: Environment,
  schemaOf: (path: SettingPath) => SettingSchema | undefined,
): Override[] {
  const overrides: Override[] = [];
  for (const [variable, raw] of Object.entries(environment)) {
    const path = overridePath(schema, variable);
    if (raw === undefined || path === null) continue;
    overrides.push({ variable, path, value: parseTyped(schemaOf(path), raw) });
  }
  return overrides.sort((a, b) => (a.variable < b.variable ? -1 : 1));
}

/** The setting that a variable names, whether there is one or not; null where its first part is no section. */
export function overridePath(schema: SettingSchema, variable: string): SettingPath | null {
  const parts = variable.split('__');
  const first = parts[0] ?? '';
  if (parts.length < 2 || first !== first.toUpperCase()) return null;
  return schemaAt(schema, [first.toLowerCase()]) === undefined ? null : toPath(schema, parts);
}

const MISTYPED_DISTANCE_MAX = 2;

/** What to say of variables that look like settings of a section whose name was mistyped; other strangers are ignored. */
export function mistypedOverrides(schema: SettingSchema, environment: Environment): string[] {
  const sections = Object.keys(schema.properties ?? {});
  const warnings: string[] = [];
  for (const variable of Object.keys(environment).sort()) {
    const [first = '', ...rest] = variable.split('__');
    if (rest.length === 0 || first !== first.toUpperCase() || sections.includes(first.toLowerCase())) continue;
    const [meant] = sections
      .map((section) => ({ section, distance: editDistance(first.toLowerCase(), section) }))
      .filter(({ distance }) => distance <= MISTYPED_DISTANCE_MAX)
      .sort((a, b) => a.distance - b.distance);
    if (meant === undefined) continue;
    const corrected = [meant.section.toUpperCase(), ...rest].join('__');
    warnings.push(
      `the environment variable ${variable} is not used: there is no section "${first.toLowerCase()}"; did you mean ${corrected}?`,
    );
  }
  return warnings;
}

function toPath(schema: SettingSchema, parts: readonly string[]): SettingPath {
  const path: (string | number)[] = [];
  for (const part of parts) {
    const inList = schemaAt(schema, path)?.type === 'array' && /^\d{1,3}$/.test(part);
    path.push(inList ? Number(part) : part.toLowerCase());
  }
  return path;
}

/** Text as the type that the schema asks for; text that does not fit stays text, for the validator to refuse. */
export function parseTyped(schema: SettingSchema | undefined, raw: string): unknown {
  const trimmed = raw.trim();
  if (schema?.anyOf !== undefined) return parseAny(schema.anyOf, trimmed);
  switch (schema?.type) {
    case 'integer':
    case 'number':
      return trimmed !== '' && Number.isFinite(Number(trimmed)) ? Number(trimmed) : raw;
    case 'boolean':
      return parseFlag(trimmed.toLowerCase()) ?? raw;
    case 'array':
    case 'object':
      return parseList(schema, trimmed);
    default:
      return raw;
  }
}

/** One of several forms: a list where it looks like one. */
function parseAny(forms: readonly SettingSchema[], text: string): unknown {
  const list = forms.find((form) => form.type === 'array');
  return list !== undefined && /^\[|,/.test(text) ? parseList(list, text) : text;
}

function parseFlag(text: string): boolean | undefined {
  if (['true', '1', 'yes', 'on'].includes(text)) return true;
  if (['false', '0', 'no', 'off'].includes(text)) return false;
  return undefined;
}

/** JSON, or for a list also `a, b, c`. */
function parseList(schema: SettingSchema, text: string): unknown {
  if (/^[[{]/.test(text)) {
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return text;
    }
  }
  if (schema.type === 'object') return text;
  return text === '' ? [] : text.split(',').map((item) => parseTyped(schema.items, item.trim()));
}

/** What a value takes from the environment, or from a file. */
const REFERENCE = /\$(\$\{)|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{file:([^}]+)\}/g;

/**
 * Replaces `${NAME}` by the variable's text, `${file:PATH}` by the file's without blanks and line ends around it, and `$${` by a
 * literal `${`. A value that is one reference and nothing else takes the setting's type.
 */
export function expand(
  schema: SettingSchema | undefined,
  raw: string,
  path: SettingPath,
  environment: Environment,
  readText: (path: string) => string,
  problems: Problem[],
): unknown {
  if (!raw.includes('${')) return raw;
  const expanded = raw.replaceAll(REFERENCE, (_, literal?: string, name?: string, file?: string) => {
    if (literal !== undefined) return literal;
    if (file !== undefined) return textOrProblem(file, path, readText, problems);
    const value = environment[name ?? ''];
    if (value === undefined) {
      problems.push({ path, message: `needs the environment variable ${name}, which is not set` });
    }
    return value ?? '';
  });
  return schema?.type === 'string' || schema === undefined ? expanded : parseTyped(schema, expanded);
}

function textOrProblem(
  file: string,
  path: SettingPath,
  readText: (path: string) => string,
  problems: Problem[],
): string {
  try {
    return readText(file);
  } catch (error) {
    if (!(error instanceof StartupError)) throw error;
    problems.push({ path, message: `needs a file: ${error.message}` });
    return '';
  }
}

/** Names of the variables that a text takes. */
export function referencesIn(raw: string): string[] {
  return [...raw.matchAll(REFERENCE)].flatMap(([, , name]) => name ?? []);
}

import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import { FORMATS, type Format } from './formats.ts';
import type { SettingSchema } from './setting.ts';
import { suggest } from './suggest.ts';
import { pathText, schemaAt, type SettingPath, type Tree } from './tree.ts';

/** One thing that is wrong with the configuration: where it stands and what it breaks. Holds no value of a secret. */
export interface Problem {
  readonly path: SettingPath;
  readonly message: string;
}

/** Compiling takes longer than everything else of reading a configuration. */
const compiled = new WeakMap<SettingSchema, ValidateFunction>();

function compile(schema: SettingSchema): ValidateFunction {
  const known = compiled.get(schema);
  if (known !== undefined) return known;
  const ajv = new Ajv({ useDefaults: true, allErrors: true, strict: true, strictRequired: false, verbose: false });
  for (const keyword of ['verbatimNames', 'isPath', 'isLive', 'aliases', 'follows']) ajv.addKeyword(keyword);
  for (const [name, { isValid }] of Object.entries(FORMATS)) ajv.addFormat(name, isValid);
  // Ajv refuses a default at the root, where there is nothing to put it into.
  const check = ajv.compile({ ...schema, default: undefined });
  compiled.set(schema, check);
  return check;
}

/** Fills defaults into `tree` and returns everything that breaks the schema. */
export function validate(schema: SettingSchema, tree: Tree): Problem[] {
  const check = compile(schema);
  if (check(tree)) return [];
  const problems = (check.errors ?? []).map((error) => toProblem(schema, error));
  // A table of the wrong type also lacks what it should hold: the first message of a place says it all.
  const seen = new Set<string>();
  return problems.filter((problem) => {
    const place = pathText(problem.path);
    return seen.has(place) ? false : seen.add(place);
  });
}

function toProblem(schema: SettingSchema, error: ErrorObject): Problem {
  const path = pointerToPath(schema, error.instancePath);
  const params = error.params as Record<string, unknown>;
  if (error.keyword === 'additionalProperties') {
    const unknown = [...path, String(params['additionalProperty'])];
    return { path: unknown, message: unknownSetting(schema, path, unknown) };
  }
  if (error.keyword === 'required') {
    return { path: [...path, String(params['missingProperty'])], message: 'is required' };
  }
  return { path, message: requirement(schemaAt(schema, path), error) };
}

function unknownSetting(schema: SettingSchema, parent: SettingPath, unknown: SettingPath): string {
  const name = String(unknown.at(-1));
  const siblings = Object.keys(schemaAt(schema, parent)?.properties ?? {});
  const near = suggest(name, siblings);
  const meant = near === undefined ? elsewhere(schema, name) : pathText([...parent, near]);
  return `is not a setting${meant === undefined ? '' : `; did you mean \`${meant}\`?`}`;
}

/** A setting of that very name in another section. */
function elsewhere(schema: SettingSchema, name: string): string | undefined {
  return allPaths(schema).find((path) => path.split('.').at(-1) === name);
}

function allPaths(schema: SettingSchema, prefix = ''): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, child]) => [
    `${prefix}${name}`,
    ...allPaths(child, `${prefix}${name}.`),
  ]);
}

function requirement(schema: SettingSchema | undefined, error: ErrorObject): string {
  const params = error.params as Record<string, unknown>;
  if (schema?.anyOf !== undefined) return `must be ${schema.anyOf.map(oneWay).join(', or ')}`;
  switch (error.keyword) {
    case 'minimum':
    case 'maximum':
      return `must be between ${schema?.minimum} and ${schema?.maximum}`;
    case 'enum':
      return `must be one of ${(schema?.enum ?? []).map((option) => JSON.stringify(option)).join(', ')}`;
    case 'type':
      return `must be ${article(String(params['type']))}`;
    case 'format':
      return `must be ${FORMATS[params['format'] as Format].meaning}`;
    case 'minLength':
      return `must have at least ${String(params['limit'])} character${params['limit'] === 1 ? '' : 's'}`;
    default:
      return error.message ?? 'is not valid';
  }
}

function oneWay(schema: SettingSchema): string {
  if (schema.enum !== undefined) return `one of ${schema.enum.map((option) => JSON.stringify(option)).join(', ')}`;
  return schema.minItems === undefined ? article(schema.type ?? '') : `a list of ${schema.minItems}`;
}

const TYPE_NAMES: Record<string, string> = {
  integer: 'a whole number',
  number: 'a number',
  string: 'a text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a table',
};

function article(type: string): string {
  return TYPE_NAMES[type] ?? type;
}

/** JSON pointer to path; numbers where the schema has a list. */
function pointerToPath(schema: SettingSchema, pointer: string): SettingPath {
  const path: (string | number)[] = [];
  for (const raw of pointer.split('/').slice(1)) {
    const part = raw.replaceAll('~1', '/').replaceAll('~0', '~');
    path.push(schemaAt(schema, path)?.type === 'array' ? Number(part) : part);
  }
  return path;
}

import { ContextManagerError } from './errors.ts';

/** What is wrong with a value; null: nothing. */
export type Check = (value: unknown) => string | null;
/** By the names of what they check; a name that is not among them is refused. */
export interface Checks {
  readonly rules: readonly (readonly [name: string, reasonAgainst: Check])[];
  readonly names: ReadonlySet<string>;
}

type Options = Readonly<Record<string, unknown>>;

export const isText = (value: unknown): boolean => typeof value === 'string' && value !== '';
export const isNumber = (value: unknown, min: number): boolean => typeof value === 'number' && value >= min;
export const isIntegerIn = (value: unknown, min: number, max: number): boolean =>
  Number.isInteger(value) && isNumber(value, min) && (value as number) <= max;
export const isMap = (value: unknown): value is Options =>
  typeof value === 'object' &&
  value !== null &&
  !Array.isArray(value) &&
  !ArrayBuffer.isView(value) &&
  !(value instanceof Date);

/** The reason goes on with what was given instead. */
export const unless =
  (isRight: (value: unknown) => boolean, reason: string): Check =>
  (value) =>
    isRight(value) ? null : `${reason} (given: ${given(value)})`;
export const optional =
  (check: Check): Check =>
  (value) =>
    value === undefined ? null : check(value);

export function checks(byName: Readonly<Record<string, Check>>): Checks {
  return { rules: Object.entries(byName), names: new Set(Object.keys(byName)) };
}

/** What a value is, in words: never what it says, as it may be a secret. */
function given(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === '') return 'an empty text';
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return 'a text';
  if (Array.isArray(value)) return 'a list';
  if (typeof value !== 'object') return `a ${typeof value}`;
  const { name } = (value.constructor ?? Object) as { readonly name?: unknown };
  return typeof name === 'string' && name !== '' && name !== 'Object' ? `a ${name}` : 'a map';
}

/** Throws `BAD_REQUEST` that names each option that is wrong; `place` is a JSON Pointer to them. */
export function checkOptions(what: string, place: string, options: Options, { rules, names }: Checks): void {
  const given = Object.keys(options);
  // Every call comes by here, and most have nothing wrong with them.
  if (
    given.every((name) => names.has(name)) &&
    rules.every(([name, reasonAgainst]) => reasonAgainst(options[name]) === null)
  )
    return;
  const unknown = given.filter((name) => !names.has(name) && options[name] !== undefined);
  const faults = [
    ...rules.map(([name, reasonAgainst]) => ({ name, reason: reasonAgainst(options[name]) })),
    ...unknown.map((name) => ({ name, reason: `is no option: ${listed([...names])}` })),
  ].flatMap(({ name, reason }) => (reason === null ? [] : [{ name, reason }]));
  if (faults.length === 0) return;
  throw badRequest(
    `${what}: ${faults.map(({ name, reason }) => `${name} ${reason}`).join('; ')}`,
    faults.map(({ name, reason }) => ({ field: `${place}/${name}`, reason })),
  );
}

function listed(names: readonly string[]): string {
  return names.length === 1 ? `there is only ${names[0]}` : `there are ${names.join(', ')}`;
}

/** Throws `BAD_REQUEST` where a value, which is called `name`, is no map of options or of fields. */
export function checkMap(
  what: string,
  field: string,
  name: string,
  value: unknown,
  shape: string,
): asserts value is Options {
  if (isMap(value)) return;
  const reason = `must be a map${shape} (given: ${given(value)})`;
  throw badRequest(`${what}: ${name} ${reason}`, [{ field, reason }]);
}

export function badRequest(message: string, fields: readonly object[]): ContextManagerError {
  return new ContextManagerError('BAD_REQUEST', message, { details: { fields } });
}

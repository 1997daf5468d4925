import { createHash } from 'node:crypto';

/** Stands for bytes, which JSON has none of; a name of an item's own that looks like it gets one more `$`. */
const BYTES = '$bytes';

/** An item, or a list of them, as JSON; bytes in it are base64. Throws what JSON has no place for. */
export function toJson(value: unknown): string {
  return JSON.stringify(plain(value));
}

export function fromJson<T>(text: string): T {
  return JSON.parse(text, (_name, value: unknown) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
    const [only, ...others] = Object.entries<unknown>({ ...value });
    if (only === undefined || others.length > 0) return value;
    const [name, held] = only;
    if (name === BYTES && typeof held === 'string') return new Uint8Array(Buffer.from(held, 'base64'));
    return /^\$\$+bytes$/.test(name) ? { [name.slice(1)]: held } : value;
  }) as T;
}

/** The same for all that says the same, in whatever order its fields are. */
export function digestOf(value: unknown): string {
  const sorted = JSON.stringify(plain(value), (_name, held: unknown) =>
    typeof held === 'object' && held !== null && !Array.isArray(held)
      ? Object.fromEntries(Object.entries(held).sort(([a], [b]) => (a < b ? -1 : 1)))
      : held,
  );
  return createHash('sha256').update(sorted).digest('base64url');
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return { [BYTES]: Buffer.from(value).toString('base64') };
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'number' && !Number.isFinite(value)) throw new TypeError(`${value} has no place in an item`);
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  const entries = Object.entries(value);
  const [only] = entries;
  const isLikeBytes = entries.length === 1 && only !== undefined && /^\$+bytes$/.test(only[0]);
  return Object.fromEntries(entries.map(([name, held]) => [isLikeBytes ? `$${name}` : name, plain(held)]));
}

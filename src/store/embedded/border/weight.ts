import type { RecordRow } from './rows.ts';

const VALUE_BYTES = 8;
/** Values of a `RecordRow` besides its texts: ids, numbers. */
const ROW_BYTES = 256;

/** About what plain data take in memory and on their way to another thread, in bytes; vectors beside them not counted. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  let bytes = VALUE_BYTES;
  if (Array.isArray(value)) for (const item of value as unknown[]) bytes += weightOf(item);
  else for (const key in value) bytes += weightOf((value as Record<string, unknown>)[key]);
  return bytes;
}

/** The same of a row. */
export function rowWeight({ text, metadata, tags }: RecordRow): number {
  return ROW_BYTES + text.length + metadata.length + tags.length;
}

const VALUE_BYTES = 8;

/** About what plain data take in memory and on their way to another thread, in bytes; vectors beside them not counted. */
export function weightOf(value: unknown): number {
  if (typeof value === 'string') return VALUE_BYTES + value.length;
  if (typeof value !== 'object' || value === null) return VALUE_BYTES;
  let bytes = VALUE_BYTES;
  for (const item of Array.isArray(value) ? (value as unknown[]) : Object.values(value)) bytes += weightOf(item);
  return bytes;
}

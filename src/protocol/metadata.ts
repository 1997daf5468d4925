/** Bytes of a JSON-like value as MessagePack in its shortest form; once past `bytesMax` it counts no further. */
export function encodedBytes(value: unknown, bytesMax: number): number {
  switch (typeof value) {
    case 'string':
      return textBytes(value);
    case 'number':
      return numberBytes(value);
    case 'object':
      return value === null ? 1 : containerBytes(value, bytesMax);
    default:
      return 1;
  }
}

/** What is wrong with metadata beside their size: `kind`, something that JSON cannot say; `name`, a name with NUL. */
export type MetadataFault = 'kind' | 'name';

/**
 * No bin, no NaN, no infinities anywhere, and no NUL in a name: to some databases a name ends there, and a path would
 * lead to another field than the one it names.
 */
export function metadataFault(value: unknown): MetadataFault | null {
  if (typeof value === 'number') return Number.isFinite(value) ? null : 'kind';
  if (typeof value !== 'object' || value === null)
    return typeof value === 'bigint' || typeof value === 'function' ? 'kind' : null;
  if (value instanceof Uint8Array) return 'kind';
  const isList = Array.isArray(value);
  for (const [name, item] of Object.entries(value)) {
    const fault = !isList && name.includes('\0') ? 'name' : metadataFault(item);
    if (fault !== null) return fault;
  }
  return null;
}

function containerBytes(value: object, bytesMax: number): number {
  const keys = Array.isArray(value) ? null : Object.keys(value);
  const items = keys === null ? (value as unknown[]) : Object.values(value);
  let bytes = items.length < 16 ? 1 : items.length < 0x10000 ? 3 : 5;
  for (let i = 0; i < items.length && bytes <= bytesMax; i++) {
    if (keys !== null) bytes += textBytes(keys[i]!);
    bytes += encodedBytes(items[i], bytesMax - bytes);
  }
  return bytes;
}

function textBytes(text: string): number {
  const bytes = Buffer.byteLength(text);
  return bytes + (bytes < 32 ? 1 : bytes < 0x100 ? 2 : bytes < 0x10000 ? 3 : 5);
}

function numberBytes(value: number): number {
  if (!Number.isSafeInteger(value)) return 9;
  const size = value < 0 ? -value : value;
  if (value >= -0x20 && value < 0x80) return 1;
  if (value < 0) return size <= 0x80 ? 2 : size <= 0x8000 ? 3 : size <= 0x8000_0000 ? 5 : 9;
  return size < 0x100 ? 2 : size < 0x10000 ? 3 : size < 0x1_0000_0000 ? 5 : 9;
}

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

/** What is wrong with metadata: `kind`, something that JSON cannot say; `name`, a name with NUL; `size`, too many bytes. */
export type MetadataFault = 'kind' | 'name' | 'size';

/**
 * No bin, no NaN, no infinities anywhere, no NUL in a name, as to some databases a name ends there and a path would
 * lead to another field than the one it names, and no more than `bytesMax` as MessagePack in its shortest form. It
 * looks no further than that, so that what it takes is bounded by `bytesMax`, not by what was sent.
 */
export function metadataFault(value: unknown, bytesMax: number): MetadataFault | null {
  const bytes = weightOf(value, bytesMax);
  if (typeof bytes !== 'number') return bytes;
  return bytes > bytesMax ? 'size' : null;
}

/** Bytes of `value`; once past `bytesMax` it counts no further. */
function weightOf(value: unknown, bytesMax: number): number | 'kind' | 'name' {
  switch (typeof value) {
    case 'string':
      return textBytes(value);
    case 'number':
      return Number.isFinite(value) ? numberBytes(value) : 'kind';
    case 'bigint':
    case 'function':
      return 'kind';
    case 'object':
      if (value === null) return 1;
      if (value instanceof Uint8Array) return 'kind';
      return Array.isArray(value) ? listWeight(value, bytesMax) : mapWeight(value as Fields, bytesMax);
    default:
      return 1;
  }
}

type Fields = Readonly<Record<string, unknown>>;

function listWeight(items: readonly unknown[], bytesMax: number): number | 'kind' | 'name' {
  let bytes = headBytes(items.length);
  for (let i = 0; i < items.length && bytes <= bytesMax; i++) {
    const weight = weightOf(items[i], bytesMax - bytes);
    if (typeof weight !== 'number') return weight;
    bytes += weight;
  }
  return bytes;
}

function mapWeight(fields: Fields, bytesMax: number): number | 'kind' | 'name' {
  const names = Object.keys(fields);
  let bytes = headBytes(names.length);
  for (let i = 0; i < names.length && bytes <= bytesMax; i++) {
    const name = names[i]!;
    if (name.includes('\0')) return 'name';
    bytes += textBytes(name);
    const weight = weightOf(fields[name], bytesMax - bytes);
    if (typeof weight !== 'number') return weight;
    bytes += weight;
  }
  return bytes;
}

function headBytes(count: number): number {
  return count < 16 ? 1 : count < 0x10000 ? 3 : 5;
}

function containerBytes(value: object, bytesMax: number): number {
  const keys = Array.isArray(value) ? null : Object.keys(value);
  const items = keys === null ? (value as unknown[]) : Object.values(value);
  let bytes = headBytes(items.length);
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

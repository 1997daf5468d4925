import { createHash } from 'node:crypto';

/** Names under which this CLI makes ids; a random UUID, fixed for ever: with another one a re-import would store everything twice. */
const NAME_SPACE = Buffer.from('5c0f1f0e8a4d4b6f9d2a7e31c4b8a690', 'hex');

/** A UUID of version 5 (RFC 9562, section 5.5): the same parts give the same id. */
export function stableId(parts: readonly (string | number)[]): string {
  const bytes = createHash('sha1').update(NAME_SPACE).update(JSON.stringify(parts)).digest().subarray(0, 16);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x50;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

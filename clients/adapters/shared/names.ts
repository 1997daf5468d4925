import { createHash } from 'node:crypto';

/** Names of a framework as ids and tags; clients/adapters/FORMAT.md has the rules, which other languages follow, too. */

/** The id of what a framework calls by these texts: always the same, so that what is stored twice is stored once. */
export function contextId(texts: readonly string[]): string {
  const bytes = digest(texts);
  bytes[6] = (bytes.readUInt8(6) & 0x0f) | 0x80;
  bytes[8] = (bytes.readUInt8(8) & 0x3f) | 0x80;
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** The tag of all that lies at these names or below them. */
export function placeTag(kind: string, texts: readonly string[]): string {
  return `${kind}:${digest(texts).toString('base64url')}`;
}

/** The places of every prefix, from the empty one to the whole. */
export function placeTags(kind: string, texts: readonly string[]): string[] {
  return [[], ...texts.map((_, place) => texts.slice(0, place + 1))].map((prefix) => placeTag(kind, prefix));
}

function digest(texts: readonly string[]): Buffer {
  const hash = createHash('sha256');
  for (const text of texts) hash.update(`${Buffer.byteLength(text)}:${text}`);
  return hash.digest().subarray(0, 16);
}

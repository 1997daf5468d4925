import { createHash } from 'node:crypto';
import type { EmbeddingKind, OwnedText } from './provider.ts';

/** Texts up to this length are their own key; longer ones are hashed. */
const PLAIN_KEY_CHARS_MAX = 256;

/** No namespace holds a space, so no choice of names makes two keys one. The model is not in it. */
export function keyOf({ namespace, text }: OwnedText, kind: EmbeddingKind): string {
  if (text.length <= PLAIN_KEY_CHARS_MAX) return `${namespace} ${kind} ${text}`;
  return `${namespace} ${kind}#${createHash('sha256').update(text).digest('base64')}`;
}

export function namespaceOfKey(key: string): string {
  return key.slice(0, key.indexOf(' '));
}

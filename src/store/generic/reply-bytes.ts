import type { ContextRecord } from '../../base/context.ts';

/** Ids, times, counts and field names of one context in a reply. */
const FIXED_BYTES = 384;

/** About what a context weighs in a reply. */
export function replyBytes(
  record: Pick<ContextRecord, 'agentId' | 'sessionId' | 'text' | 'metadata' | 'tags'>,
): number {
  const { agentId, sessionId, text, metadata, tags } = record;
  return replyBytesOf(agentId, sessionId, text, JSON.stringify(metadata), JSON.stringify(tags));
}

/** The same with metadata and tags as JSON. */
export function replyBytesOf(
  agentId: string,
  sessionId: string | null,
  text: string,
  metadata: string,
  tags: string,
): number {
  const names = Buffer.byteLength(agentId) + (sessionId === null ? 0 : Buffer.byteLength(sessionId));
  return FIXED_BYTES + names + Buffer.byteLength(text) + Buffer.byteLength(metadata) + Buffer.byteLength(tags);
}

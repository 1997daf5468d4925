import { MESSAGES, type MessageRule } from '../../protocol/message-table.ts';

/**
 * What a connection may hold whatever the others hold: whoever asks little is never kept waiting by those who send much.
 * It is also what a frame may weigh before authentication.
 */
export const FREE_BYTES = 4 * 1024;
/** Their contexts may be so short that each takes a hundred times its bytes. */
const BATCHES = MESSAGES.filter((rule: MessageRule) => rule.items !== undefined).map(({ type }) => Buffer.from(type));

/** Whether a body takes little memory, before it is decoded: it is short, and names nothing that stores many contexts. */
export function isFree(body: Uint8Array): boolean {
  if (body.length > FREE_BYTES) return false;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  return !BATCHES.some((name) => bytes.includes(name));
}

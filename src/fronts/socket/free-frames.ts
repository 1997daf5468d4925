import { MESSAGES, type MessageRule } from '../../protocol/message-table.ts';

/**
 * What a connection may hold whatever the others hold: whoever asks little is never kept waiting by those who send much.
 * It is also what a frame may weigh before authentication.
 */
export const FREE_BYTES = 4 * 1024;
/** A reply up to here is short: those of whatever brings back no context. */
const SHORT_REPLY_BYTES_MAX = 4 * 1024;
const RULES: readonly (MessageRule & { readonly type: string })[] = MESSAGES;
/** Their contexts may be so short that each takes a hundred times its bytes. */
const BATCHES = namesOf((rule) => rule.items !== undefined);
const LONG_REPLIES = namesOf(({ reply }) => reply.per !== undefined || reply.bytes > SHORT_REPLY_BYTES_MAX);

/** Whether a body takes little memory, before it is decoded: it is short, and names nothing that stores many contexts. */
export function isFree(body: Uint8Array): boolean {
  return body.length <= FREE_BYTES && !namesOneOf(BATCHES, body);
}

/** Whether the reply to a body will be short, before it is decoded: of a body that is short and names nothing else. */
export function hasShortReply(body: Uint8Array): boolean {
  return body.length <= FREE_BYTES && !namesOneOf(LONG_REPLIES, body);
}

function namesOf(which: (rule: MessageRule) => boolean): readonly Buffer[] {
  return RULES.filter(which).map(({ type }) => Buffer.from(type));
}

function namesOneOf(names: readonly Buffer[], body: Uint8Array): boolean {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.length);
  return names.some((name) => bytes.includes(name));
}

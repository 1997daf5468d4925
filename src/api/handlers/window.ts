import type { CardView, SessionView, WindowFill, WindowInput } from '../../hirag/window/types.ts';
import { inPlaceCardId } from '../../base/card-ids.ts';
import type { WindowMessage } from '../../hirag/window/assembly.ts';
import { type Message, type MessageInput, ownMetadata } from '../../hirag/window/message.ts';
import type { LiveItem } from '../../hirag/window/session-body.ts';
import type * as wire from '../../protocol/messages.generated.ts';
import { fromReceipt, toReader } from './context-wire.ts';
import type { CheckedPayload, Handler, HandlerCall } from './handler.ts';

export const append: Handler<'session.append'> = async (payload, call, { memory }) => {
  const input = { ...sessionOf(payload, call), messages: payload.messages.map(toMessage) };
  const { messages, window, guards } = await memory.sessions.append(input, call.options);
  return {
    messages: messages.map(({ id, tokenCount, created }) => ({ id, token_count: tokenCount, created })),
    window: fromFill(window),
    ...(guards !== undefined && { guards }),
  };
};

export const window: Handler<'session.window'> = async (payload, call, { memory }) => {
  const found = await memory.sessions.window(toWindowInput(payload, call), call.options);
  return {
    messages: found.messages.map(fromWindowMessage),
    tokens: found.tokens,
    window: fromFill(found.window),
    recalled: found.recalled.map(({ record, relevanceScore }) => ({
      id: record.id,
      level: record.level,
      relevance_score: relevanceScore,
      token_count: record.tokenCount,
    })),
    degraded: found.degraded,
    ...(found.receipts !== undefined && { receipts: found.receipts.map(fromReceipt) }),
  };
};

export const configure: Handler<'session.configure'> = async (payload, call, { memory }) => {
  const { header, state } = payload;
  const input = {
    ...sessionOf(payload, call),
    ...(payload.max_tokens !== undefined && { maxTokens: payload.max_tokens }),
    ...(payload.offload_at !== undefined && { offloadAt: payload.offload_at }),
    ...(payload.relieve_to !== undefined && { relieveTo: payload.relieve_to }),
    ...(payload.rearm_at !== undefined && { rearmAt: payload.rearm_at }),
    ...(header !== undefined && { header }),
    ...(state !== undefined && { state }),
  };
  return { session: fromSession(await memory.sessions.configure(input, call.options)) };
};

export const get: Handler<'session.get'> = async (payload, call, { memory }) => {
  const { cursor } = payload;
  const page = { ...(cursor !== undefined && { cursor }) };
  const found = await memory.sessions.get(sessionOf(payload, call), page, call.options);
  const session = { ...fromSession(found), live: found.live.flatMap(fromLive), cards: found.cards.map(fromCard) };
  return { session, ...(found.cursor !== undefined && { cursor: found.cursor }) };
};

export const list: Handler<'session.list'> = async (payload, call, { memory }) => {
  const { namespace, limit, cursor } = payload;
  const page = { ...(limit !== undefined && { limit }), ...(cursor !== undefined && { cursor }) };
  const found = await memory.sessions.list({ namespace, ...toReader(payload, call), ...page }, call.options);
  return { sessions: found.sessions.map(fromSession), ...(found.cursor !== undefined && { cursor: found.cursor }) };
};

export const expand: Handler<'session.expand'> = async (payload, call, { memory }) => {
  const { cursor } = payload;
  const request = {
    ...sessionOf(payload, call),
    cardId: payload.card_id,
    ...(cursor !== undefined && { cursor }),
  };
  const found = await memory.sessions.expand(request, call.options);
  const messages = found.messages.map(({ record, tokens, ...message }) => ({
    id: record.id,
    ...fromMessage(message),
    created_at: record.createdAtMs,
    token_count: tokens,
    metadata: ownMetadata(record),
    tags: record.tags,
  }));
  return { messages, ...(found.cursor !== undefined && { cursor: found.cursor }) };
};

export const reset: Handler<'session.reset'> = (payload, call, { memory }) =>
  memory.sessions.reset({ ...sessionOf(payload, call), forget: payload.forget ?? false }, call.options);

function sessionOf(
  { namespace, session_id: sessionId, agent_id: agentId }: CheckedPayload<'session.get'>,
  { sender }: HandlerCall,
) {
  return { namespace, sessionId, agentId: agentId ?? sender };
}

function toMessage(message: wire.NewMessage): MessageInput {
  const { role, content, id, name, tool_calls: toolCalls, tool_call_id: toolCallId, metadata, tags } = message;
  return {
    role,
    content: content as MessageInput['content'],
    ...(id !== undefined && { id }),
    ...(name !== undefined && { name }),
    ...(toolCalls !== undefined && { toolCalls: toolCalls }),
    ...(toolCallId !== undefined && { toolCallId }),
    ...(message.created_at !== undefined && { createdAtMs: message.created_at }),
    ...(metadata !== undefined && { metadata }),
    ...(tags !== undefined && { tags }),
  };
}

function toWindowInput(payload: CheckedPayload<'session.window'>, call: HandlerCall): WindowInput {
  const { query, max_tokens: maxTokens, recall, explain } = payload;
  return {
    ...sessionOf(payload, call),
    ...(query !== undefined && { query }),
    ...(maxTokens !== undefined && { maxTokens }),
    ...(recall !== undefined && { recall: recall && toRecall(recall) }),
    ...(explain !== undefined && { explain }),
  };
}

function toRecall(recall: wire.Recall) {
  const { max_tokens: maxTokens, relevance_threshold: relevanceThreshold, filter, sessions } = recall;
  return {
    ...(maxTokens !== undefined && { maxTokens }),
    ...(relevanceThreshold !== undefined && { relevanceThreshold }),
    ...(filter !== undefined && { filter }),
    ...(sessions !== undefined && { sessions }),
  };
}

function fromMessage({ role, content, name, toolCalls, toolCallId }: Message) {
  return {
    role,
    content,
    ...(name !== undefined && { name }),
    ...(toolCalls !== undefined && { tool_calls: toolCalls }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
  };
}

function fromWindowMessage({ kind, tokens, id, cardId, ...message }: WindowMessage): wire.WindowMessage {
  return {
    ...fromMessage(message),
    kind,
    token_count: tokens,
    ...(id !== undefined && { id }),
    ...(cardId !== undefined && { card_id: cardId }),
  };
}

function fromFill(fill: WindowFill): wire.WindowFill {
  return {
    live_tokens: fill.liveTokens,
    live_messages: fill.liveMessages,
    max_tokens: fill.maxTokens,
    pressure: fill.pressure,
    archived_messages: fill.archivedMessages,
    cards: fill.cards,
    offloading: fill.offloading,
  };
}

function fromSession({ body, limits, window: fill }: SessionView): wire.Session {
  const { header, state = {} } = body.config;
  return {
    session_id: body.sessionId,
    agent_id: body.agentId,
    max_tokens: limits.maxTokens,
    offload_at: limits.offloadAt,
    relieve_to: limits.relieveTo,
    rearm_at: limits.rearmAt,
    ...(header !== undefined && { header: header.text }),
    state,
    window: fromFill(fill),
    created_at: body.createdAtMs,
    used_at: body.usedAtMs,
  };
}

function fromLive({ messages, card }: LiveItem): wire.LiveMessage[] {
  const cardId = card === undefined ? undefined : inPlaceCardId(messages[0]?.id ?? '');
  return messages.map(({ id, role, tokens }) => ({
    id,
    role,
    token_count: tokens,
    ...(cardId !== undefined && { card_id: cardId }),
  }));
}

function fromCard(card: CardView): wire.Card {
  return {
    card_id: card.cardId,
    summary: card.summary,
    first_at: card.firstAtMs,
    last_at: card.lastAtMs,
    message_count: card.messageCount,
    token_count: card.tokenCount,
    original_tokens: card.originalTokens,
  };
}

import type { ContextRecord } from '../../src/base/context.ts';
import type { LiveItem } from '../../src/hirag/window/session-body.ts';
import { newSession } from '../../src/hirag/window/session-body.ts';
import type * as types from '../../src/hirag/window/types.ts';
import type { WindowMessage } from '../../src/hirag/window/assembly.ts';
import type * as wire from '../../src/protocol/messages.generated.ts';
import { sampleRecord } from '../contract/store-samples.ts';

/** What the sessions have said where the server answers a request of this type so. */
export function sessionOutcomeOf(type: string, reply: unknown): unknown {
  switch (type) {
    case 'session.append': {
      const { messages, window, guards } = reply as wire.SessionAppendReply;
      return {
        messages: messages.map(({ id, token_count: tokenCount, created }) => ({ id, tokenCount, created })),
        window: fillOf(window),
        ...(guards !== undefined && { guards }),
      } satisfies types.AppendOutcome;
    }
    case 'session.window': {
      const { messages, tokens, window, recalled, degraded, receipts } = reply as wire.SessionWindowReply;
      return {
        messages: messages.map(messageOf),
        tokens,
        window: fillOf(window),
        recalled: recalled.map(({ relevance_score: relevanceScore, token_count: tokenCount, id, level }) => {
          return { record: sampleRecord(id, { id, level, tokenCount }), relevanceScore };
        }),
        degraded,
        ...(receipts !== undefined && {
          receipts: receipts.map(({ relevance_score: relevanceScore, token_count: tokenCount, ...rest }) => {
            return { ...rest, relevanceScore, tokenCount };
          }),
        }),
      };
    }
    case 'session.configure':
      return viewOf((reply as wire.SessionConfigureReply).session);
    case 'session.get': {
      const { session, cursor } = reply as wire.SessionGetReply;
      const live = session.live.map(({ id, role, token_count: tokens }): LiveItem => {
        return { messages: [{ id, role, tokens, atMs: 0, recordedAtMs: 0 }] };
      });
      return { ...viewOf(session), live, cards: session.cards.map(cardOf), ...(cursor !== undefined && { cursor }) };
    }
    case 'session.list': {
      const { sessions, cursor } = reply as wire.SessionListReply;
      return { sessions: sessions.map(viewOf), ...(cursor !== undefined && { cursor }) };
    }
    case 'session.expand': {
      const { messages } = reply as wire.SessionExpandReply;
      return { messages: messages.map(originalOf) };
    }
    default:
      return reply;
  }
}

function fillOf(fill: wire.WindowFill): types.WindowFill {
  return {
    liveTokens: fill.live_tokens,
    liveMessages: fill.live_messages,
    maxTokens: fill.max_tokens,
    pressure: fill.pressure,
    archivedMessages: fill.archived_messages,
    cards: fill.cards,
    offloading: fill.offloading,
  };
}

function messageOf(message: wire.WindowMessage): WindowMessage {
  const { role, content, kind, token_count: tokens, id, card_id: cardId, tool_calls: toolCalls, name } = message;
  return {
    role,
    content: content as WindowMessage['content'],
    kind,
    tokens,
    ...(id !== undefined && { id }),
    ...(cardId !== undefined && { cardId }),
    ...(name !== undefined && { name }),
    ...(toolCalls !== undefined && { toolCalls: toolCalls }),
  };
}

function viewOf(session: wire.Session): types.SessionView {
  const { max_tokens: maxTokens, offload_at: offloadAt, relieve_to: relieveTo, rearm_at: rearmAt } = session;
  const { header, state } = session;
  const config = { ...(header !== undefined && { header: { text: header, tokens: 1 } }), state };
  const body = newSession(session.agent_id, session.session_id, session.created_at);
  return {
    body: { ...body, config, usedAtMs: session.used_at },
    limits: { maxTokens, offloadAt, relieveTo, rearmAt },
    window: fillOf(session.window),
  };
}

function cardOf(card: wire.Card): types.CardView {
  return {
    cardId: card.card_id,
    summary: card.summary,
    firstAtMs: card.first_at,
    lastAtMs: card.last_at,
    messageCount: card.message_count,
    tokenCount: card.token_count,
    originalTokens: card.original_tokens,
  };
}

function originalOf(message: wire.SessionMessage): types.OriginalMessage {
  const { id, role, content, metadata, tags } = message;
  const record: ContextRecord = sampleRecord(id, { id, metadata, tags, createdAtMs: message.created_at });
  return { role, content: content as types.OriginalMessage['content'], record, tokens: message.token_count };
}

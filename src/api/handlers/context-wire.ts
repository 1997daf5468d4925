import { LEVELS, type ContextRecord, type Level } from '../../base/context.ts';
import { toCodedError } from '../../base/errors.ts';
import { EVERY_AGENT } from '../../base/wire-names.ts';
import type {
  QueryInput,
  QueryOutcome,
  RankedContext,
  StoreInput,
  StoreOutcome,
  UpdateInput,
} from '../../hirag/types.ts';
import type * as wire from '../../protocol/messages.generated.ts';
import { vectorFromBytes } from '../../protocol/vector.ts';
import type { CheckedPayload, HandlerCall, InNamespace } from './handler.ts';

export function toStoreInput(context: InNamespace<wire.NewContext>, call: HandlerCall): StoreInput {
  const { namespace, text, level, id, metadata, tags } = context;
  return {
    namespace,
    agentId: context.agent_id ?? call.sender,
    text,
    ...(context.session_id !== undefined && { sessionId: context.session_id }),
    ...(level !== undefined && { level }),
    ...(id !== undefined && { id }),
    ...(metadata !== undefined && { metadata }),
    ...(tags !== undefined && { tags }),
    ...(context.ttl_ms !== undefined && { ttlMs: context.ttl_ms }),
    ...(context.created_at !== undefined && { createdAtMs: context.created_at }),
    ...(context.embedding !== undefined && { embedding: vectorFromBytes(context.embedding) }),
  };
}

export function fromStoreOutcome({ id, level, tokenCount, createdAtMs, created }: StoreOutcome): wire.StoredContext {
  return { id, level, token_count: tokenCount, created_at: createdAtMs, created };
}

export function fromBatchOutcome(outcome: StoreOutcome | Error): wire.StoredContext | wire.FailedContext {
  if (!(outcome instanceof Error)) return fromStoreOutcome(outcome);
  const { code, message } = toCodedError(outcome);
  return { error: { code, message } };
}

export function fromCounts(counts: Readonly<Record<Level, number>>): wire.StatsCounts {
  return { ...counts, total: LEVELS.reduce((sum, level) => sum + counts[level], 0) };
}

/** Whose contexts a read sees: the sender's where the payload names no agent, everybody's for `*`. */
export function toReader(
  payload: { agent_id?: string; session_id?: string },
  call: HandlerCall,
): { agentId?: string; sessionId?: string } {
  const agentId = payload.agent_id ?? call.sender;
  return {
    ...(agentId !== EVERY_AGENT && { agentId }),
    ...(payload.session_id !== undefined && { sessionId: payload.session_id }),
  };
}

export function toQueryInput(payload: CheckedPayload<'context.query'>, call: HandlerCall): QueryInput {
  const { namespace, query, limit, levels, filter, priority, explain } = payload;
  return {
    namespace,
    ...toReader(payload, call),
    ...(query !== undefined && { query }),
    ...(payload.embedding !== undefined && { embedding: vectorFromBytes(payload.embedding) }),
    ...(payload.max_tokens !== undefined && { maxTokens: payload.max_tokens }),
    ...(limit !== undefined && { limit }),
    ...(levels !== undefined && { levels }),
    ...(filter !== undefined && { filter }),
    ...(payload.relevance_threshold !== undefined && { relevanceThreshold: payload.relevance_threshold }),
    ...(priority !== undefined && { priority }),
    ...(explain !== undefined && { explain }),
  };
}

export function fromQueryOutcome(outcome: QueryOutcome): wire.ContextQueryReply {
  return {
    contexts: outcome.contexts.map(fromRankedContext),
    total_tokens: outcome.totalTokens,
    retrieval_time_ms: outcome.retrievalTimeMs,
    metadata: {
      level_distribution: outcome.levelDistribution,
      avg_relevance: outcome.avgRelevance,
      cache_hits: outcome.cacheHits,
      total_searched: outcome.totalSearched,
      ...(outcome.belowThreshold ? { below_threshold: true } : {}),
      allocations: outcome.allocations,
      degraded: outcome.degraded,
    },
    ...(outcome.receipts !== undefined && {
      receipts: outcome.receipts.map(({ id, level, scores, relevanceScore, tokenCount, outcome: what }) => ({
        id,
        level,
        scores,
        relevance_score: relevanceScore,
        token_count: tokenCount,
        outcome: what,
      })),
    }),
  };
}

export function fromRankedContext({ record, relevanceScore, scores }: RankedContext): wire.RankedContext {
  return Object.assign(fromRecord(record), { relevance_score: relevanceScore, scores });
}

export function toUpdateInput(payload: CheckedPayload<'context.update'>): UpdateInput {
  const { namespace, id, text, metadata, tags, level } = payload;
  return {
    namespace,
    id,
    ...(text !== undefined && { text }),
    ...(metadata !== undefined && { metadata }),
    ...(tags !== undefined && { tags }),
    ...(level !== undefined && { level }),
    ...(payload.ttl_ms !== undefined && { ttlMs: payload.ttl_ms }),
    ...(payload.if_version !== undefined && { ifVersion: payload.if_version }),
  };
}

/** A context in a reply (section 5). */
export function fromRecord(record: ContextRecord): wire.Context {
  const context: wire.Context = {
    id: record.id,
    namespace: record.namespace,
    agent_id: record.agentId,
    level: record.level,
    text: record.text,
    token_count: record.tokenCount,
    metadata: record.metadata,
    tags: record.tags,
    version: record.version,
    created_at: record.createdAtMs,
    updated_at: record.updatedAtMs,
    access_count: record.accessCount,
  };
  if (record.sessionId !== null) context.session_id = record.sessionId;
  if (record.expiresAtMs !== null) context.expires_at = record.expiresAtMs;
  if (record.expiresAtMs !== null && record.expirySetBy === 'level') context.expires_by = 'level';
  return context;
}

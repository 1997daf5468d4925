import { LEVELS, type ContextRecord, type ContextTimes, type Level } from '../../base/context.ts';
import { toCodedError } from '../../base/errors.ts';
import { EVERY_AGENT } from '../../base/wire-names.ts';
import type {
  QueryInput,
  QueryOutcome,
  RankedContext,
  Receipt,
  StoreInput,
  StoreOutcome,
  TimeInput,
  UpdateInput,
} from '../../hirag/types.ts';
import { recordedAt, supersededBy, validFrom, validUntil } from '../../store/times.ts';
import type * as wire from '../../protocol/messages.generated.ts';
import { vectorFromBytes } from '../../protocol/vector.ts';
import { fromQueriedFact } from './fact-wire.ts';
import type { CheckedPayload, HandlerCall, InNamespace } from './handler.ts';

/** `toVector`: of the bytes of its embedding. */
export function toStoreInput(
  context: InNamespace<wire.NewContext>,
  call: HandlerCall,
  toVector: (bytes: Uint8Array) => Float32Array = vectorFromBytes,
): StoreInput {
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
    ...(context.valid_from !== undefined && { validFromMs: context.valid_from }),
    ...(context.valid_until !== undefined && { validUntilMs: context.valid_until }),
    ...(context.supersedes !== undefined && { supersedes: context.supersedes }),
    ...(context.embedding !== undefined && { embedding: toVector(context.embedding) }),
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

/** Which moment a read asks about. */
export function toMoment(payload: { as_of?: number; known_at?: number; include_past?: boolean }): TimeInput {
  return {
    ...(payload.as_of !== undefined && { asOfMs: payload.as_of }),
    ...(payload.known_at !== undefined && { knownAtMs: payload.known_at }),
    ...(payload.include_past !== undefined && { includePast: payload.include_past }),
  };
}

export function toQueryInput(payload: CheckedPayload<'context.query'>, call: HandlerCall): QueryInput {
  const { namespace, query, limit, levels, filter, priority, weights, explain } = payload;
  return {
    namespace,
    ...toReader(payload, call),
    ...toMoment(payload),
    ...(weights !== undefined && { weights }),
    ...(query !== undefined && { query }),
    ...(payload.embedding !== undefined && { embedding: vectorFromBytes(payload.embedding) }),
    ...(payload.max_tokens !== undefined && { maxTokens: payload.max_tokens }),
    ...(limit !== undefined && { limit }),
    ...(levels !== undefined && { levels }),
    ...(filter !== undefined && { filter }),
    ...(payload.relevance_threshold !== undefined && { relevanceThreshold: payload.relevance_threshold }),
    ...(priority !== undefined && { priority }),
    ...(explain !== undefined && { explain }),
    ...(payload.facts !== undefined && { facts: payload.facts }),
  };
}

export function fromQueryOutcome(outcome: QueryOutcome, knownAtMs?: number): wire.ContextQueryReply {
  return {
    contexts: outcome.contexts.map((context) => fromRankedContext(context, knownAtMs)),
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
      answerable: outcome.answerable,
    },
    ...(outcome.facts !== undefined && { facts: outcome.facts.map(fromQueriedFact) }),
    ...(outcome.receipts !== undefined && {
      receipts: outcome.receipts.map(fromReceipt),
    }),
  };
}

export function fromReceipt({ id, level, scores, relevanceScore, tokenCount, outcome }: Receipt): wire.Receipt {
  return { id, level, scores, relevance_score: relevanceScore, token_count: tokenCount, outcome };
}

export function fromRankedContext(
  { record, relevanceScore, scores }: RankedContext,
  knownAtMs?: number,
): wire.RankedContext {
  return Object.assign(fromRecord(record, knownAtMs), { relevance_score: relevanceScore, scores });
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
    ...(payload.valid_from !== undefined && { validFromMs: payload.valid_from }),
    ...(payload.valid_until !== undefined && { validUntilMs: payload.valid_until }),
    ...(payload.if_version !== undefined && { ifVersion: payload.if_version }),
  };
}

/** A context in a reply (section 5); its end as known at a time (section 8). */
export function fromRecord(record: ContextRecord, knownAtMs?: number): wire.Context {
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
    recorded_at: recordedAt(record),
    valid_from: validFrom(record),
    access_count: record.accessCount,
  };
  if (record.sessionId !== null) context.session_id = record.sessionId;
  if (record.expiresAtMs !== null) context.expires_at = record.expiresAtMs;
  if (record.expiresAtMs !== null && record.expirySetBy === 'level') context.expires_by = 'level';
  if (record.times !== undefined) Object.assign(context, endOf(record, record.times, knownAtMs));
  return context;
}

function endOf(record: ContextRecord, times: ContextTimes, knownAtMs: number | undefined): Partial<wire.Context> {
  const until = validUntil(record, knownAtMs);
  const by = supersededBy(record, knownAtMs);
  const { validUntilMs: own, supersedes } = times;
  return {
    ...(until === Infinity ? {} : { valid_until: until }),
    ...(own === undefined || by === null ? {} : { stated_until: own }),
    ...(by === null ? {} : { superseded_by: by }),
    ...(supersedes === undefined ? {} : { supersedes }),
  };
}

import type { Fact, FactInput, HeldFact } from '../../hirag/facts/fact.ts';
import type { QueriedFact } from '../../hirag/types.ts';
import type * as wire from '../../protocol/messages.generated.ts';

export function fromQueriedFact({ held, tokenCount }: QueriedFact): wire.QueriedFact {
  return { ...fromHeld(held), token_count: tokenCount };
}

export function toFact(fact: wire.NewFact): FactInput {
  const { id, subject, predicate, object, confidence, metadata } = fact;
  return {
    ...{ subject, predicate, object },
    ...(id !== undefined && { id }),
    ...(fact.valid_from !== undefined && { validFromMs: fact.valid_from }),
    ...(fact.valid_until !== undefined && { validUntilMs: fact.valid_until }),
    ...(fact.single_valued !== undefined && { singleValued: fact.single_valued }),
    ...(fact.source_ids !== undefined && { sourceIds: fact.source_ids }),
    ...(confidence !== undefined && { confidence }),
    ...(metadata !== undefined && { metadata }),
  };
}

export function fromHeld({ fact, endMs, supersededBy }: HeldFact): wire.Fact {
  const { id, namespace, subject, predicate, object, confidence, metadata } = fact;
  return {
    ...{ id, namespace, agent_id: fact.agentId, subject, predicate, object, valid_from: fact.validFromMs },
    ...(endMs !== null && { valid_until: endMs }),
    ...statedUntil(fact, endMs),
    ...(supersededBy !== null && { superseded_by: supersededBy }),
    recorded_at: fact.recordedAtMs,
    single_valued: fact.singleValued,
    source_ids: [...fact.sourceIds],
    ...(confidence !== null && { confidence }),
    metadata,
  };
}

function statedUntil({ validUntilMs }: Fact, endMs: number | null): { stated_until?: number } {
  return validUntilMs === null || validUntilMs === endMs ? {} : { stated_until: validUntilMs };
}

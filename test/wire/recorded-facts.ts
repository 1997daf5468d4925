import { foldedNames, type HeldFact } from '../../src/hirag/facts/fact.ts';
import type * as wire from '../../src/protocol/messages.generated.ts';

/** What the facts have said where the server answers a request of this type so. */
export function factOutcomeOf(type: string, reply: unknown): unknown {
  switch (type) {
    case 'fact.put':
      return (reply as wire.FactPutReply).facts;
    case 'fact.list': {
      const { facts, cursor } = reply as wire.FactListReply;
      return { facts: facts.map(heldOf), ...(cursor !== undefined && { cursor }) };
    }
    case 'fact.around': {
      const { facts, entities, truncated = false } = reply as wire.FactAroundReply;
      return { facts: facts.map(({ distance, ...fact }) => ({ held: heldOf(fact), distance })), entities, truncated };
    }
    default:
      return (reply as wire.FactDeleteReply).deleted;
  }
}

export function heldOf(fact: wire.Fact): HeldFact {
  const { id, namespace, subject, predicate, object, metadata } = fact;
  return {
    fact: {
      ...{ id, namespace, subject, predicate, object, metadata, agentId: fact.agent_id, validFromMs: fact.valid_from },
      validUntilMs: fact.stated_until ?? (fact.superseded_by === undefined ? (fact.valid_until ?? null) : null),
      singleValued: fact.single_valued,
      sourceIds: fact.source_ids,
      confidence: fact.confidence ?? null,
      recordedAtMs: fact.recorded_at,
      folded: foldedNames({ subject, predicate, object }),
      turn: 0,
    },
    endMs: fact.valid_until ?? null,
    supersededBy: fact.superseded_by ?? null,
  };
}

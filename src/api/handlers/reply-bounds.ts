import { LEVELS } from '../../base/context.ts';
import type { QueryOutcome, RankedContext } from '../../hirag/types.ts';
import { encodedBytes } from '../../protocol/metadata.ts';
import { fromRankedContext } from './context-wire.ts';
import { fromQueriedFact } from './fact-wire.ts';

/** All that a context in a query's reply holds beside its text: metadata, tags and names at their limits. */
const BESIDE_TEXT_BYTES_MAX = 112 * 1024;
const BYTES_PER_UNIT_MAX = 3;
const RECEIPT_BYTES_MAX = 384;
/** What a query's reply holds beside contexts and receipts. */
const QUERY_FIXED_BYTES = 1024;
/** Part of a reply that facts may have. */
const FACTS_SHARE = 0.25;

/**
 * The outcome with what a reply of `replyBytesMax` has room for: like the token budget, a context that does not
 * fit is passed over and the next ones are still tried; its receipt says `over_budget`.
 */
export function withinReply(found: QueryOutcome, replyBytesMax: number): QueryOutcome {
  const { outcome, factsBytes } = withFactsWithin(found, replyBytesMax * FACTS_SHARE);
  const roomBytes =
    replyBytesMax - QUERY_FIXED_BYTES - factsBytes - RECEIPT_BYTES_MAX * (outcome.receipts?.length ?? 0);
  if (mostBytes(outcome.contexts) <= roomBytes) return outcome;
  let leftBytes = roomBytes;
  const kept = outcome.contexts.filter((context) => {
    const bytes = encodedBytes(fromRankedContext(context), leftBytes);
    if (bytes > leftBytes) return false;
    leftBytes -= bytes;
    return true;
  });
  return kept.length === outcome.contexts.length ? outcome : reduced(outcome, kept);
}

/** The outcome with the first of its facts, and what these weigh. */
function withFactsWithin(outcome: QueryOutcome, bytesMax: number): { outcome: QueryOutcome; factsBytes: number } {
  let factsBytes = 0;
  const kept = (outcome.facts ?? []).filter((fact) => {
    const bytes = encodedBytes(fromQueriedFact(fact), bytesMax);
    if (factsBytes + bytes > bytesMax) return false;
    factsBytes += bytes;
    return true;
  });
  if (kept.length === (outcome.facts ?? []).length) return { outcome, factsBytes };
  return { outcome: { ...outcome, facts: kept, totalTokens: tokensOf(outcome.contexts, kept) }, factsBytes };
}

function tokensOf(contexts: readonly RankedContext[], facts: QueryOutcome['facts'] = []): number {
  const ofContexts = contexts.reduce((sum, { record }) => sum + record.tokenCount, 0);
  return facts.reduce((sum, { tokenCount }) => sum + tokenCount, ofContexts);
}

/** An upper bound that costs no look at the texts. */
function mostBytes(contexts: readonly RankedContext[]): number {
  return contexts.reduce(
    (bytes, { record }) => bytes + BYTES_PER_UNIT_MAX * record.text.length + BESIDE_TEXT_BYTES_MAX,
    0,
  );
}

function reduced(outcome: QueryOutcome, contexts: readonly RankedContext[]): QueryOutcome {
  const ids = new Set(contexts.map(({ record }) => record.id));
  const counts = LEVELS.map((level) => contexts.filter(({ record }) => record.level === level).length);
  const [immediate = 0, shortTerm = 0, longTerm = 0] = counts;
  const relevance = contexts.reduce((sum, { relevanceScore }) => sum + relevanceScore, 0);
  return {
    ...outcome,
    contexts,
    totalTokens: tokensOf(contexts, outcome.facts),
    levelDistribution: { immediate, short_term: shortTerm, long_term: longTerm },
    avgRelevance: contexts.length === 0 ? 0 : relevance / contexts.length,
    ...(outcome.receipts !== undefined && {
      receipts: outcome.receipts.map((receipt) =>
        receipt.outcome === 'included' && !ids.has(receipt.id)
          ? { ...receipt, outcome: 'over_budget' as const }
          : receipt,
      ),
    }),
  };
}

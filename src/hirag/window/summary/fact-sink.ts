import { uuidV8 } from '../../../base/random.ts';
import type { FactMemory } from '../../facts/types.ts';
import type { FactInput } from '../../facts/fact.ts';
import type { ExtractedFact } from './prompt.ts';

/** Takes what a model found in messages that have left a window. */
export type FactSink = (
  whose: { readonly namespace: string; readonly agentId: string },
  facts: readonly ExtractedFact[],
  signal: AbortSignal,
) => Promise<void>;

/** Keeps them as facts that hold from when the last of their sources was said; the same again is the same fact. */
export function factSink(facts: Pick<FactMemory, 'put'>, madeBy: string): FactSink {
  return async ({ namespace, agentId }, found, signal) => {
    const inputs = new Map(found.map((fact) => [idOf(agentId, fact), inputOf(agentId, fact, madeBy)]));
    await facts.put({ namespace, agentId, facts: [...inputs.values()] }, { signal });
  };
}

function inputOf(agentId: string, fact: ExtractedFact, madeBy: string): FactInput {
  const { subject, predicate, object, sourceIds, saidAtMs } = fact;
  const metadata = { extracted_by: madeBy };
  return { id: idOf(agentId, fact), subject, predicate, object, sourceIds, validFromMs: saidAtMs, metadata };
}

function idOf(agentId: string, { subject, predicate, object, sourceIds }: ExtractedFact): string {
  return uuidV8([agentId, subject, predicate, object, sourceIds]);
}

import { toCodedError } from '../../base/errors.ts';
import { inStage } from '../../base/request-scope.ts';
import type { FactMemory } from '../facts/types.ts';
import type { CallOptions, QueriedFact, QueryInput } from '../types.ts';

export interface QuestionFactsDeps {
  readonly facts: Pick<FactMemory, 'named'>;
  readonly tokens: { count(texts: readonly string[]): Promise<number[]> };
}

/** Part of a query's budget that facts may have: the rest is for contexts, whatever there is of facts. */
const SHARE = 0.25;
const FACTS_MAX = 20;

/** What a question's names are known for, within a share of its tokens. */
export class QuestionFacts {
  readonly #deps: QuestionFactsDeps;

  constructor(deps: QuestionFactsDeps) {
    this.#deps = deps;
  }

  /** Absent: they could not be read, which takes no context from the answer. */
  async of(input: QueryInput, maxTokens: number, options: CallOptions): Promise<readonly QueriedFact[] | undefined> {
    const { query = '', namespace, agentId, asOfMs, knownAtMs, includePast } = input;
    const scope = {
      namespace,
      ...(agentId !== undefined && { agentId }),
      ...(asOfMs !== undefined && { asOfMs }),
      ...(knownAtMs !== undefined && { knownAtMs }),
      ...(includePast !== undefined && { includePast }),
    };
    const { facts, tokens } = this.#deps;
    try {
      const found = await inStage('facts', () => facts.named(query, scope, FACTS_MAX, options));
      const counts = await tokens.count(
        found.map(({ fact: { subject, predicate, object } }) => `${subject} ${predicate} ${object}`),
      );
      let left = Math.floor(maxTokens * SHARE);
      return found.flatMap((held, place) => {
        const tokenCount = counts[place] ?? 1;
        if (tokenCount > left) return [];
        left -= tokenCount;
        return [{ held, tokenCount }];
      });
    } catch (error) {
      if (toCodedError(error).code === 'INTERNAL') throw error;
      return undefined;
    }
  }
}

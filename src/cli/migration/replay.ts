import type { Clock } from '../../base/clock.ts';
import { silentLog } from '../../base/log.ts';
import { noMetrics } from '../../base/metrics.ts';
import type { Random } from '../../base/random.ts';
import type { Settings } from '../../config/settings.ts';
import type { CachedEmbeddingProvider } from '../../embedding/cache.ts';
import type { EmbeddingProvider } from '../../embedding/provider.ts';
import { createMemory } from '../../hirag/memory.ts';
import { LEVEL_OFF } from '../../hirag/tiers/unsearched-levels.ts';
import type { Memory } from '../../hirag/types.ts';
import type { ContextStore } from '../../store/store.ts';
import type { Patience } from '../terminal/patience.ts';
import type { Sampled } from './sample.ts';

/** How well two stores agree on the same questions. */
export interface Agreement {
  /** Compared. */
  readonly queries: number;
  /** Share of the first `ANSWERS` contexts that both gave, 0..1. */
  readonly meanOverlap: number;
  readonly worstOverlap: number;
  /** Questions whose best answer is the same context. */
  readonly sameFirst: number;
  /** Questions that a side could answer in part only, as a level or its vectors could not be searched: not compared. */
  readonly incomplete: number;
}

export interface ReplayDeps {
  readonly embedding: Pick<EmbeddingProvider, 'id' | 'dimension' | 'kind'>;
  readonly settings: Settings['hirag'];
  readonly patience: Patience;
  readonly onAsked: (questions: number) => void;
  readonly clock: Clock;
  readonly random: Random;
}

export const ANSWERS = 10;
/** Many times what ten contexts usually are: it is not the budget that chooses. */
const TOKENS_MAX = 1_000_000;

/** Asks both the same, as a server would. Neither store is written to. */
export async function replay(
  questions: readonly Sampled[],
  source: ContextStore,
  destination: ContextStore,
  deps: ReplayDeps,
): Promise<Agreement> {
  const overlaps: number[] = [];
  let sameFirst = 0;
  let incomplete = 0;
  const [ask, askOther] = [askerOf('source', source, deps), askerOf('destination', destination, deps)];
  for (const question of questions) {
    const [ids, others] = await Promise.all([ask(question), askOther(question)]);
    if (ids === null || others === null) incomplete++;
    else {
      overlaps.push(overlapOf(ids, others));
      if (ids[0] === others[0]) sameFirst++;
    }
    deps.onAsked(overlaps.length + incomplete);
  }
  const count = overlaps.length;
  return {
    queries: count,
    meanOverlap: count === 0 ? 1 : overlaps.reduce((sum, overlap) => sum + overlap, 0) / count,
    worstOverlap: Math.min(1, ...overlaps),
    sameFirst,
    incomplete,
  };
}

function overlapOf(ids: readonly string[], others: readonly string[]): number {
  const most = Math.max(ids.length, others.length);
  return most === 0 ? 1 : ids.filter((id) => others.includes(id)).length / most;
}

/** null: not all was searched that should have been. */
type Ask = (question: Sampled) => Promise<readonly string[] | null>;

function askerOf(of: string, store: ContextStore, { embedding, settings, patience, ...world }: ReplayDeps): Ask {
  const vectors = new SampledVectors(embedding);
  const memory: Memory = createMemory({
    store,
    embedding: vectors,
    // What is asked here is no access: counts are never written.
    settings: { ...settings, accessFlushEntries: Number.MAX_SAFE_INTEGER },
    metrics: noMetrics,
    log: silentLog,
    ...world,
  });
  return async ({ namespace, agentId, question, vector }) => {
    vectors.current = vector;
    const asked = { namespace, agentId, query: question, limit: ANSWERS, maxTokens: TOKENS_MAX };
    const { contexts, degraded } = await patience.with(of, () => memory.query(asked));
    // What is switched off is so for both.
    if (degraded.some(({ code }) => code !== LEVEL_OFF)) return null;
    return contexts.map(({ record }) => record.id);
  };
}

/** The vector of the context itself stands for that of the question: no model is asked. */
class SampledVectors implements CachedEmbeddingProvider {
  readonly id: string;
  readonly dimension: number;
  readonly kind: EmbeddingProvider['kind'];
  current: Float32Array = new Float32Array(0);

  constructor({ id, dimension, kind }: Pick<EmbeddingProvider, 'id' | 'dimension' | 'kind'>) {
    this.id = id;
    this.dimension = dimension;
    this.kind = kind;
  }

  embed(texts: readonly unknown[]): Promise<Float32Array[]> {
    return Promise.resolve(texts.map(() => this.current));
  }

  has(): boolean {
    return true;
  }

  counts() {
    return { entries: 0, hits: 0, misses: 0 };
  }

  clear(): Promise<number> {
    return Promise.resolve(0);
  }

  forget(): Promise<number> {
    return Promise.resolve(0);
  }
}

// Both sides of a search: what is near, and what holds the words.

import { inverseDocumentFrequency } from '../../base/text/bm25.ts';
import type { Level } from '../../base/context.ts';
import type { Hit, HitRequest, LevelHits, NearestRequest } from '../driver.ts';
import { TermScorer } from '../generic/features.ts';
import type { TermStatistics } from '../store.ts';
import { formsOf, joinTerm } from '../term-forms.ts';
import type { QuerySearch } from './collection-calls.ts';
import { equals, reachFilter } from './filters.ts';
import {
  creationOf,
  featuresOf,
  HIT_FIELDS,
  hitRecordOf,
  WORDS,
  type FoundPoint,
  type SparseVector,
} from './points.ts';
import { termHash } from './term-hashes.ts';
import type { ScoredQueries } from './scored-queries.ts';
import type { Similarity } from './similarity.ts';
import type { Statistics } from './statistics.ts';

/** A query that is a whole document is not looked for by its last words. */
const QUERY_TERMS_MAX = 1_000;

export class Hits {
  readonly #queries: ScoredQueries;
  readonly #similarity: Similarity;
  readonly #statistics: Statistics;

  constructor(queries: ScoredQueries, similarity: Similarity, statistics: Statistics) {
    this.#queries = queries;
    this.#similarity = similarity;
    this.#statistics = statistics;
  }

  nearest(request: NearestRequest, signal?: AbortSignal): Promise<LevelHits[]> {
    const { namespace, question, count, samples } = request;
    const vector = question.vector as Float32Array;
    return Promise.all(
      request.levels.map(async (level) => {
        const filter = reachFilter(request, level, this.#similarity.conditions);
        const found = this.#queries.nearest(vector, filter, count);
        const best = { ...found, search: { ...found.search, with_payload: HIT_FIELDS } };
        const own = { must: [equals('namespace', namespace)] };
        const any = { query: { sample: 'random' }, filter: own, limit: samples };
        // Of the first vectors alone.
        const near = this.#similarity.query(vector);
        const sample = { search: { ...near, prefetch: [any], limit: samples, with_payload: ['length'] } };
        const [points = [], sampled = []] = await this.#queries.queryFewer(
          level,
          samples > 0 ? [best, sample] : [best],
          signal,
        );
        const hits = points
          .map((point) => this.#hit(point, level, request))
          .sort(byNearness)
          .slice(0, count);
        return { hits, sample: sampled.map((point) => this.#similarity.cosineOf(question, point) ?? 0) };
      }),
    );
  }

  async matching(request: HitRequest, signal?: AbortSignal): Promise<LevelHits[]> {
    const { namespace, question, count } = request;
    const terms = question.terms.map(joinTerm);
    const statistics = await this.#statistics.of(namespace, terms, signal);
    const words = questionVector(request, statistics);
    if (words.indices.length === 0) return request.levels.map(() => ({ hits: [] }));
    const scorer = new TermScorer(question.terms, statistics);
    return Promise.all(
      request.levels.map(async (level) => {
        const filter = reachFilter(request, level);
        const holding: QuerySearch = { query: words, using: WORDS, filter, limit: count };
        const wanted = { limit: count, with_payload: HIT_FIELDS };
        // The words choose them, the vectors score them.
        const search = question.vector === undefined ? { ...holding, ...wanted } : { prefetch: [holding], ...wanted };
        const [points = []] = await this.#queries.queryFewer(level, [{ search, vector: question.vector }], signal);
        const hits = points.map((point) => this.#hit(point, level, request));
        const scores = new Map(hits.map((hit) => [hit, sumOf(scorer.scores(hit.features))]));
        const best = hits.filter((hit) => scoreOf(scores, hit) > 0);
        return { hits: best.sort((a, b) => scoreOf(scores, b) - scoreOf(scores, a)) };
      }),
    );
  }

  #hit(point: FoundPoint, level: Level, { question }: HitRequest): Hit {
    const { payload } = point;
    return {
      record: hitRecordOf(payload, level),
      position: creationOf(payload),
      features: featuresOf(payload, question, this.#similarity.cosineOf(question, point)),
    };
  }
}

/**
 * Weight times idf of each term, the heaviest of those known where there are too many. A term that is not known yet is
 * looked for, too: another server may have stored it since the statistics were made.
 */
function questionVector({ question }: HitRequest, statistics: TermStatistics): SparseVector {
  const values = new Map<number, number>();
  const known = new Set<number>();
  question.terms.forEach((term, i) => {
    const frequency = statistics.documentFrequencies[i] ?? 0;
    const value = term.weight * inverseDocumentFrequency(statistics.documentCount, frequency);
    for (const form of formsOf(term)) {
      const hash = termHash(form);
      if (frequency > 0) known.add(hash);
      values.set(hash, (values.get(hash) ?? 0) + value);
    }
  });
  const rank = (hash: number): number => (known.has(hash) ? 0 : 1);
  const heaviest = [...values].sort((a, b) => rank(a[0]) - rank(b[0]) || b[1] - a[1]).slice(0, QUERY_TERMS_MAX);
  return { indices: heaviest.map(([hash]) => hash), values: heaviest.map(([, value]) => value) };
}

function byNearness({ features: { dense: one } }: Hit, { features: { dense: other } }: Hit): number {
  return Number(other) - Number(one);
}

function sumOf(scores: Float32Array): number {
  return scores.reduce((sum, score) => sum + score, 0);
}

function scoreOf(scores: ReadonlyMap<Hit, number>, hit: Hit): number {
  return scores.get(hit) ?? 0;
}

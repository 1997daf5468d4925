// BM25 statistics of a namespace. Qdrant counts points by a filter, and has no sums: how long texts are on average is
// measured on some of them.

import { type TextLengths, textLengths } from '../../base/text/bm25.ts';
import { LRUCache } from 'lru-cache';
import { orAbort } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import { LEVELS, type Level } from '../../base/context.ts';
import type { TermStatistics } from '../store.ts';
import type { CollectionCalls } from './collection-calls.ts';
import { equals, type QdrantFilter } from './filters.ts';
import { formsOfJoined } from '../term-forms.ts';
import { termHash } from './term-hashes.ts';

/** Contexts of a level whose terms are read: in smaller levels all, where the figures are exact. */
const SAMPLED = 512;
/** Questions with more terms are answered from the sample alone. */
const COUNTED_TERMS_MAX = 32;
/** What another server has stored meanwhile shifts weights by little, */
const KEPT_MS = 10_000;
/** and by less where there is much. */
const KEPT_OF_MANY_MS = 60_000;
const KEPT_NAMESPACES = 1_000;
const KEPT_TERMS = 10_000;

/** What is known of one namespace. */
interface Sample extends TextLengths {
  readonly documentCount: number;
  /** Those that hold some. */
  readonly levels: readonly Level[];
  /** All of its contexts were read. */
  readonly isWhole: boolean;
  /** How many of the sampled contexts stand for how many. */
  readonly scale: number;
  readonly frequencies: ReadonlyMap<number, number>;
}

interface Kept {
  readonly sample: Promise<Sample>;
  readonly counts: Map<number, Promise<number>>;
}

export class Statistics {
  readonly #calls: CollectionCalls;
  readonly #kept: LRUCache<string, Kept>;

  constructor(calls: CollectionCalls, clock: Clock) {
    this.#calls = calls;
    this.#kept = new LRUCache({
      max: KEPT_NAMESPACES,
      ttl: KEPT_MS,
      ttlResolution: 0,
      perf: { now: () => clock.monotonicMs() + 1 },
    });
  }

  /** In the order of the terms. */
  async of(namespace: string, terms: readonly string[], signal?: AbortSignal): Promise<TermStatistics> {
    const kept = this.#of(namespace);
    const { documentCount, averageTermCount, lengthShare, levels, isWhole, scale, frequencies } = await orAbort(
      kept.sample,
      signal,
    );
    const fromSample = isWhole || terms.length > COUNTED_TERMS_MAX;
    const inSample = (hash: number): number => Math.round((frequencies.get(hash) ?? 0) * scale);
    const documentFrequencies = await Promise.all(
      terms.map(async (joined) => {
        const [own, ...forms] = formsOfJoined(joined).map(termHash);
        // In languages that the sample does not know it is as good as nowhere.
        const known = forms.filter((hash) => frequencies.has(hash));
        const counts = [own as number, ...known].map((hash) =>
          fromSample
            ? Promise.resolve(inSample(hash))
            : orAbort(this.#frequency(namespace, levels, hash, kept), signal),
        );
        return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
      }),
    );
    return { documentCount, averageTermCount, lengthShare, documentFrequencies };
  }

  /** This server has written to it, which shifts the figures of a small namespace at once. */
  changed(namespace: string): void {
    const kept = this.#kept.get(namespace);
    kept?.sample.then(
      ({ isWhole }) => isWhole && this.#kept.get(namespace) === kept && this.#kept.delete(namespace),
      () => undefined,
    );
  }

  #of(namespace: string): Kept {
    const known = this.#kept.get(namespace);
    if (known !== undefined) return known;
    const kept: Kept = { sample: this.#sample(namespace), counts: new Map() };
    this.#kept.set(namespace, kept);
    kept.sample.then(
      ({ isWhole }) => {
        if (!isWhole && this.#kept.peek(namespace) === kept) this.#kept.set(namespace, kept, { ttl: KEPT_OF_MANY_MS });
      },
      () => this.#kept.delete(namespace),
    );
    return kept;
  }

  async #sample(namespace: string): Promise<Sample> {
    const filter = { must: [equals('namespace', namespace)] };
    const parts = await Promise.all(LEVELS.map((level) => this.#sampleOf(level, filter)));
    const documentCount = parts.reduce((sum, { count }) => sum + count, 0);
    const sampled = parts.flatMap(({ points }) => points);
    const termCount = sampled.reduce((sum, { payload }) => sum + payload.term_count, 0);
    const termSquares = sampled.reduce((sum, { payload }) => sum + payload.term_count ** 2, 0);
    const frequencies = new Map<number, number>();
    for (const { payload } of sampled) {
      for (const term of payload.terms) frequencies.set(term, (frequencies.get(term) ?? 0) + 1);
    }
    return {
      documentCount,
      levels: LEVELS.filter((_, i) => parts[i]?.count !== 0),
      ...textLengths(sampled.length, termCount, termSquares),
      isWhole: sampled.length === documentCount,
      scale: sampled.length === 0 ? 1 : documentCount / sampled.length,
      frequencies,
    };
  }

  async #sampleOf(level: Level, filter: QdrantFilter) {
    const search = { query: { sample: 'random' }, filter, limit: SAMPLED, with_payload: ['terms', 'term_count'] };
    const [count, [points = []]] = await Promise.all([
      this.#calls.count(level, filter),
      this.#calls.queryFewer(level, [search]),
    ]);
    return { count, points };
  }

  #frequency(namespace: string, levels: readonly Level[], hash: number, { counts }: Kept): Promise<number> {
    const known = counts.get(hash);
    if (known !== undefined) return known;
    const filter = { must: [equals('namespace', namespace), { key: 'terms', match: { value: hash } }] };
    const counted = Promise.all(levels.map((level) => this.#calls.count(level, filter))).then((found) =>
      found.reduce((sum, count) => sum + count, 0),
    );
    if (counts.size >= KEPT_TERMS) counts.clear();
    counts.set(hash, counted);
    counted.catch(() => counts.delete(hash));
    return counted;
  }
}

import { recentEntries } from '../base/recent-entries.ts';

export interface EmbeddingCacheCounts {
  readonly entries: number;
  readonly hits: number;
  readonly misses: number;
}

interface Asked {
  hits: number;
  misses: number;
}

/** Namespaces whose hits and misses are remembered; the one that asked for nothing the longest starts again at 0. */
const NAMESPACES_MAX = 10_000;

/** What the embedding cache did, by namespace: nobody is told of another's. */
export class CacheTallies {
  readonly #total = { entries: 0, hits: 0, misses: 0 };
  /** Bounded by the entries. */
  readonly #entries = new Map<string, number>();
  readonly #asked = recentEntries<Asked>(NAMESPACES_MAX);

  entered(namespace: string): void {
    this.#total.entries++;
    this.#entries.set(namespace, (this.#entries.get(namespace) ?? 0) + 1);
  }

  left(namespace: string): void {
    this.#total.entries--;
    const left = (this.#entries.get(namespace) ?? 0) - 1;
    if (left > 0) this.#entries.set(namespace, left);
    else this.#entries.delete(namespace);
  }

  asked(namespace: string, hit: boolean): void {
    let asked = this.#asked.get(namespace);
    if (asked === undefined) this.#asked.set(namespace, (asked = { hits: 0, misses: 0 }));
    const what = hit ? 'hits' : 'misses';
    asked[what]++;
    this.#total[what]++;
  }

  /** Of one namespace, or of all of them. */
  of(namespace: string | undefined): EmbeddingCacheCounts {
    if (namespace === undefined) return { ...this.#total };
    const { hits, misses } = this.#asked.peek(namespace) ?? { hits: 0, misses: 0 };
    return { entries: this.#entries.get(namespace) ?? 0, hits, misses };
  }
}

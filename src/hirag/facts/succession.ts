import { throwIfAborted } from '../../base/abort.ts';
import type { DocumentPlace, DocumentStore } from '../../store/documents.ts';
import { FACT_KIND, factOf, singleTerm } from './fact-document.ts';
import { compareFacts, groupKey, groupOf, heldUntil, type Fact, type FactGroup, type HeldFact } from './fact.ts';

export interface SuccessionReach {
  readonly store: Pick<DocumentStore, 'scanDocuments'>;
  readonly namespace: string;
  /** What was recorded later is not known; absent: all is. */
  readonly knownAtMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Kept for one request; beyond it what was read is forgotten, and read again where it is asked for. */
const KEPT_MAX = 50_000;

/**
 * What ends which fact: the next single-valued one of its group that names another object. Nothing of it is written
 * anywhere: whatever servers put at once, in whatever order, they all find the same, and where the later fact is deleted
 * the earlier one holds again. For one request.
 */
export class Succession {
  readonly #reach: SuccessionReach;
  readonly #groups = new Map<string, SingleFacts>();
  #kept = 0;

  constructor(reach: SuccessionReach) {
    this.#reach = reach;
  }

  /** In their order. */
  async held(facts: readonly Fact[]): Promise<HeldFact[]> {
    if (this.#kept > KEPT_MAX) {
      this.#groups.clear();
      this.#kept = 0;
    }
    const byGroup = Map.groupBy(facts, (fact) => this.#group(fact));
    const next = new Map<Fact, Single | null>();
    // The groups side by side; in each the facts one after the other, as they share what was read.
    await Promise.all(
      [...byGroup].map(async ([group, own]) => {
        const found = await group.next(own);
        for (const [at, fact] of own.entries()) next.set(fact, found[at] ?? null);
      }),
    );
    return facts.map((fact) => heldUntil(fact, next.get(fact) ?? null));
  }

  #group(fact: Fact): SingleFacts {
    const group = groupOf(fact);
    const key = groupKey(group);
    const known = this.#groups.get(key) ?? new SingleFacts(this.#reach, group, (count) => (this.#kept += count));
    this.#groups.set(key, known);
    return known;
  }
}

/**
 * So many repetitions of a fact are looked at for the first that names another object. Where all of them name the same,
 * the last of these ends it: from there on it is that one that says so.
 */
export const REPEATED_MAX = 256;
/** Facts read for one; of more that began together, those that come first in the store are looked at. */
const READ_MAX = 1_024;
const FIRST_PAGE = 16;
const PAGE = 256;

/** A single-valued fact, as far as it may end others. */
interface Single extends Pick<Fact, 'id' | 'validFromMs' | 'recordedAtMs' | 'turn'> {
  /** Folded. */
  readonly object: string;
}

/** A stretch of the single-valued facts of a group, where it was asked for last. */
class SingleFacts {
  readonly #reach: SuccessionReach;
  readonly #term: string;
  readonly #onRead: (count: number) => void;
  /** In their order, without gaps: from `#fromMs` on. */
  #facts: Single[] = [];
  /** For each the place of the next one that names another object. */
  #runEnds: number[] = [];
  #fromMs = Infinity;
  #next: DocumentPlace | 'start' | 'end' = 'start';
  /** All that began before this has been read. */
  #upToMs = -Infinity;
  #work: Promise<unknown> = Promise.resolve();

  constructor(reach: SuccessionReach, group: FactGroup, onRead: (count: number) => void) {
    this.#reach = reach;
    this.#term = singleTerm(group);
    this.#onRead = onRead;
  }

  /** For each of the facts, what ends it. */
  next(facts: readonly Fact[]): Promise<(Single | null)[]> {
    const found = this.#work.then(() => this.#nextOfAll(facts));
    this.#work = found.catch(() => undefined);
    return found;
  }

  async #nextOfAll(facts: readonly Fact[]): Promise<(Single | null)[]> {
    const found = new Map<Fact, Single | null>();
    for (const fact of facts.toSorted(compareFacts)) found.set(fact, await this.#nextOf(fact));
    return facts.map((fact) => found.get(fact) ?? null);
  }

  async #nextOf(fact: Fact): Promise<Single | null> {
    if (fact.validFromMs < this.#fromMs) this.#begin(fact);
    // What lies between two facts that are far apart need not be read.
    if (this.#isBeyond(fact)) await this.#readOn();
    if (this.#isBeyond(fact)) this.#begin(fact);
    for (let read = 0; ; ) {
      const found = this.#known(fact);
      if (found !== undefined) return found;
      if (read >= READ_MAX) return this.#nearest(fact);
      read += await this.#readOn();
    }
  }

  #begin({ validFromMs }: Fact): void {
    this.#facts = [];
    this.#runEnds = [];
    this.#fromMs = validFromMs;
    this.#next = 'start';
    this.#upToMs = validFromMs;
  }

  #isBeyond({ validFromMs }: Fact): boolean {
    return this.#next !== 'end' && validFromMs > this.#upToMs;
  }

  /** undefined: not enough was read to tell. */
  #known(fact: Fact): Single | null | undefined {
    const at = this.#placeBehind(fact);
    const first = this.#facts[at];
    const isSame = first?.object === fact.folded.object;
    const place = isSame ? Math.min(this.#runEnds[at] as number, at + REPEATED_MAX - 1) : at;
    const found = this.#facts[place];
    if (this.#next === 'end') return found ?? null;
    // Those that began together come in no order: the place is sure when all of them are there.
    return found !== undefined && found.validFromMs < this.#upToMs ? found : undefined;
  }

  /** By what was read. */
  #nearest(fact: Fact): Single | null {
    const at = this.#placeBehind(fact);
    const isSame = this.#facts[at]?.object === fact.folded.object;
    return this.#facts[isSame ? Math.min(this.#runEnds[at] as number, this.#facts.length - 1) : at] ?? null;
  }

  /** How many were read. */
  async #readOn(): Promise<number> {
    const { store, namespace, signal, knownAtMs = Infinity } = this.#reach;
    if (this.#next === 'end') return 0;
    throwIfAborted(signal);
    const start = this.#next === 'start' ? { from: this.#fromMs } : { after: this.#next };
    const limit = this.#next === 'start' ? FIRST_PAGE : PAGE;
    const reach = { namespace, kind: FACT_KIND, term: this.#term, descending: false };
    const { documents, next } = await store.scanDocuments({ ...reach, limit, ...start });
    for (const document of documents) {
      const { id, validFromMs, recordedAtMs, turn, folded } = factOf(document);
      if (recordedAtMs <= knownAtMs) this.#facts.push({ id, validFromMs, recordedAtMs, turn, object: folded.object });
    }
    this.#facts.sort(compareFacts);
    this.#findRuns();
    this.#next = next ?? 'end';
    this.#upToMs = documents.at(-1)?.order ?? this.#upToMs;
    this.#onRead(documents.length);
    return documents.length;
  }

  #findRuns(): void {
    const { length } = this.#facts;
    this.#runEnds = new Array<number>(length).fill(length);
    for (let at = length - 2; at >= 0; at--) {
      const isSame = this.#facts[at]?.object === this.#facts[at + 1]?.object;
      this.#runEnds[at] = isSame ? (this.#runEnds[at + 1] as number) : at + 1;
    }
  }

  /** Of the first that comes behind `fact`. */
  #placeBehind(fact: Fact): number {
    let low = 0;
    let high = this.#facts.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compareFacts(this.#facts[middle] as Single, fact) <= 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

// BM25 over one level of a namespace, with the namespace's statistics. The k best documents are exact:
// terms are added up from the rarest, and once what the remaining terms could add is less than the k-th
// best has already, only documents that can still win are looked up in them (MaxScore after Turtle and
// Flood, 1995, term at a time).

import { BM25_K1, saturatedFrequency, type TextLengths } from '../../../base/text/bm25.ts';
import type { DocumentTable } from './document-table.ts';
import { PostingLists } from './posting-lists.ts';
import type { LevelNumber } from '../border/rows.ts';
import { type ScoredOrdinal, TopList } from '../arrays/top-list.ts';

/** One distinct term of a query; `factor` is its weight times its idf. */
export interface WeightedTerm {
  readonly term: number;
  readonly factor: number;
}

const COMPACTION_DEAD_MIN = 256;
/** Bounds and sums are added in different orders: what differs by less is equal. */
const ROUNDING = 1 + 1e-9;

/** From one touched document in so many on, clearing all sums is cheaper than finding the touched ones. */
const DENSE_SHARE = 16;

/** Sums of all documents, shared by every search of the thread: one runs at a time. */
class Accumulators {
  scores = new Float64Array(0);
  touched = new Uint32Array(0);
  count = 0;

  reset(documentCount: number): void {
    if (this.count > this.scores.length / DENSE_SHARE) this.scores.fill(0);
    else for (let i = 0; i < this.count; i++) this.scores[this.touched[i] as number] = 0;
    this.count = 0;
    if (this.scores.length < documentCount) {
      this.scores = new Float64Array(documentCount + (documentCount >> 1));
      this.touched = new Uint32Array(this.scores.length);
    }
  }
}

const accumulators = new Accumulators();
/** Name + 1 of each document that is being scored, else 0; shared like the sums. */
let marked = new Uint32Array(0);
/** From so many documents on, a list is read through rather than searched for each of them. */
const MARKED_MIN = 32;
/** Postings read through in the time of one look-up. */
const SCANNED_PER_LOOKUP = 24;

export class LexicalIndex {
  /** Living documents and their terms. */
  documentCount = 0;
  termTotal = 0;
  /** Sum of the squares of the documents' counts. */
  termSquares = 0;
  readonly #level: LevelNumber;
  readonly #documents: DocumentTable;
  /** For who saves them, and restores them. */
  readonly lists = new PostingLists();
  #dead = 0;
  #termCountMin = Infinity;

  constructor(level: LevelNumber, documents: DocumentTable) {
    this.#level = level;
    this.#documents = documents;
  }

  /** `ordinal` is the newest document. */
  add(ordinal: number, terms: readonly number[]): void {
    for (const term of terms) this.lists.add(term, ordinal);
    this.count(terms.length);
  }

  /** One more document of so many terms; `lists` hold them. */
  count(termCount: number): void {
    this.documentCount++;
    this.termTotal += termCount;
    this.termSquares += termCount ** 2;
    if (termCount < this.#termCountMin) this.#termCountMin = termCount;
  }

  /** `terms` are those that `add` was given. The document is dead already. */
  remove(terms: readonly number[]): void {
    for (const term of new Set(terms)) this.lists.kill(term);
    this.documentCount--;
    this.termTotal -= terms.length;
    this.termSquares -= terms.length ** 2;
    this.#dead++;
    if (this.#dead > COMPACTION_DEAD_MIN && this.#dead > this.documentCount) {
      const { levels } = this.#documents;
      this.renumber((ordinal) => (levels[ordinal] === this.#level ? ordinal : -1));
    }
  }

  renumber(renumber: (ordinal: number) => number): void {
    this.lists.compact(renumber);
    this.#dead = 0;
  }

  /** Postings of a term, those of dead documents included: what reading it through costs. */
  postingCount(term: number): number {
    return this.lists.length(term);
  }

  documentFrequency(term: number): number {
    return this.lists.liveCount(term);
  }

  /**
   * Tells what each term adds to the BM25 score of each document of this level that holds it. `documents`: ordinals,
   * with what the caller calls them; `take` gets that name and the term's place.
   */
  scoreDocuments(
    documents: ReadonlyMap<number, number>,
    terms: readonly WeightedTerm[],
    lengths: TextLengths,
    take: (name: number, term: number, score: number) => void,
  ): void {
    const marks = documents.size < MARKED_MIN ? null : this.#mark(documents);
    terms.forEach((weighted, i) => {
      const length = this.lists.length(weighted.term);
      if (marks !== null && length < documents.size * SCANNED_PER_LOOKUP) {
        this.#scoreMarked(marks, weighted, lengths, (name, score) => take(name, i, score));
        return;
      }
      for (const [ordinal, name] of documents) {
        const score = this.#termScore(ordinal, weighted, lengths);
        if (score > 0) take(name, i, score);
      }
    });
    if (marks !== null) for (const ordinal of documents.keys()) marks[ordinal] = 0;
  }

  #mark(documents: ReadonlyMap<number, number>): Uint32Array {
    if (marked.length < this.#documents.count)
      marked = new Uint32Array(this.#documents.count + (this.#documents.count >> 1));
    for (const [ordinal, name] of documents) marked[ordinal] = name + 1;
    return marked;
  }

  #scoreMarked(
    marks: Uint32Array,
    { term, factor }: WeightedTerm,
    lengths: TextLengths,
    take: (name: number, score: number) => void,
  ): void {
    const { documents } = this.lists;
    const start = this.lists.starts[term] as number;
    const end = start + this.lists.length(term);
    for (let i = start; i < end; i++) {
      const ordinal = documents[i] as number;
      const mark = marks[ordinal] as number;
      if (mark === 0) continue;
      const termCount = this.#documents.termCounts[ordinal] as number;
      take(mark - 1, factor * saturatedFrequency(this.lists.frequencyAt(term, i), termCount, lengths));
    }
  }

  /** How often a document of this level holds the term. */
  frequencyIn(term: number, ordinal: number): number {
    return this.lists.frequencyIn(term, ordinal);
  }

  /** What one term adds to the BM25 score of a document of this level. */
  #termScore(ordinal: number, { term, factor }: WeightedTerm, lengths: TextLengths): number {
    const frequency = this.lists.frequencyIn(term, ordinal);
    if (frequency === 0) return 0;
    return factor * saturatedFrequency(frequency, this.#documents.termCounts[ordinal] as number, lengths);
  }

  /** The `count` best documents that `eligible` lets through, in no order; each scores above 0. */
  search(
    terms: readonly WeightedTerm[],
    lengths: TextLengths,
    count: number,
    eligible: (ordinal: number) => boolean,
  ): ScoredOrdinal[] {
    accumulators.reset(this.#documents.count);
    const ordered = this.#byBound(terms, lengths);
    let remaining = ordered.reduce((sum, { bound }) => sum + bound, 0);
    for (const [at, { term, factor, bound }] of ordered.entries()) {
      if (at > 0 && this.lists.length(term) > accumulators.count) {
        const { worst } = this.#best(count, eligible);
        if (worst > remaining * ROUNDING) {
          this.#addToWinners(ordered.slice(at), lengths, worst, remaining);
          break;
        }
      }
      this.#addAll(term, factor, lengths);
      remaining -= bound;
    }
    return this.#best(count, eligible).items();
  }

  get memoryBytes(): number {
    return this.lists.memoryBytes;
  }

  /** Terms that occur, the highest possible contribution first. */
  #byBound(terms: readonly WeightedTerm[], lengths: TextLengths): BoundedTerm[] {
    const bounded: BoundedTerm[] = [];
    for (const { term, factor } of terms) {
      if (factor <= 0 || this.lists.length(term) === 0) continue;
      const frequency = this.lists.hasLargeFrequencies(term) ? Infinity : (this.lists.maxFrequencies[term] as number);
      const saturated =
        frequency === Infinity ? BM25_K1 + 1 : saturatedFrequency(frequency, this.#termCountMin, lengths);
      bounded.push({ term, factor, bound: factor * saturated });
    }
    return bounded.sort((a, b) => b.bound - a.bound);
  }

  #addAll(term: number, factor: number, lengths: TextLengths): void {
    const { scores, touched } = accumulators;
    const lists = this.lists;
    const { documents, frequencies } = lists;
    const { termCounts } = this.#documents;
    const large = lists.hasLargeFrequencies(term);
    // saturatedFrequency, with what is the same for all documents taken out of the loop.
    const weight = factor * (BM25_K1 + 1);
    const { averageTermCount, lengthShare } = lengths;
    const base = averageTermCount > 0 ? BM25_K1 * (1 - lengthShare) : BM25_K1;
    const perTerm = averageTermCount > 0 ? (BM25_K1 * lengthShare) / averageTermCount : 0;
    let { count } = accumulators;
    const start = lists.starts[term] as number;
    const end = start + lists.length(term);
    for (let i = start; i < end; i++) {
      const ordinal = documents[i] as number;
      const frequency = large ? lists.frequencyAt(term, i) : (frequencies[i] as number);
      if (scores[ordinal] === 0) touched[count++] = ordinal;
      scores[ordinal] =
        (scores[ordinal] as number) +
        (weight * frequency) / (frequency + base + perTerm * (termCounts[ordinal] as number));
    }
    accumulators.count = count;
  }

  /** Looks the remaining terms up in those documents alone that can still be among the best. `worst`: of the best so far. */
  #addToWinners(rest: readonly BoundedTerm[], lengths: TextLengths, worst: number, bound: number): void {
    const { scores, touched } = accumulators;
    let winners = touched.slice(0, accumulators.count);
    let remaining = bound;
    for (const term of rest) {
      winners = winners.filter((ordinal) => ((scores[ordinal] as number) + remaining) * ROUNDING >= worst);
      remaining -= term.bound;
      // Reading a list through is cheaper than many look-ups; it adds to losers and newcomers, who lose all the same.
      if (this.lists.length(term.term) < winners.length * SCANNED_PER_LOOKUP)
        this.#addAll(term.term, term.factor, lengths);
      else
        for (const ordinal of winners)
          scores[ordinal] = (scores[ordinal] as number) + this.#termScore(ordinal, term, lengths);
    }
  }

  #best(count: number, eligible: (ordinal: number) => boolean): TopList {
    const { scores, touched } = accumulators;
    const best = new TopList(count);
    // Nearly all documents end at this comparison, so it is made with a number at hand.
    let bar = best.worst;
    for (let i = 0; i < accumulators.count; i++) {
      const ordinal = touched[i] as number;
      const score = scores[ordinal] as number;
      if (!(score > bar) || !eligible(ordinal)) continue;
      best.push(ordinal, score);
      bar = best.worst;
    }
    return best;
  }
}

interface BoundedTerm extends WeightedTerm {
  readonly bound: number;
}

// What a graph finds of the true nearest, by how many candidates a search keeps. Asked with stored vectors, of each of
// which half of the numbers are taken away: a question says half of what a text does. On texts such questions are as hard
// to answer as real ones; whole vectors are easier.

import { exactSearch, type Index, MetricKind } from 'usearch';
import { seededRandom } from '../../../base/seeded-random.ts';
import { dotProduct } from '../../generic/features.ts';
import { rescoredCount } from '../arrays/vector-rows.ts';
import type { SegmentVectors, WantedSlot } from './segment-vectors.ts';
import { isEnough, type RecallPoint } from './index-tuning.ts';

const QUESTIONS = 128;
const TOP = 10;
/** Scores closer than this are a tie: either is a right answer. */
const TIE = 1e-5;
/** Vectors compared at a time. */
const SLICE = 2_048;
/** Questions between two looks whether others need the machine. */
const ASKED = 16;

export interface MeasuredGraph {
  readonly index: Pick<Index, 'search'>;
  readonly vectors: SegmentVectors;
  /** Of the vectors, in their order, never falling. */
  readonly entries: readonly number[];
  readonly dimension: number;
  /** The graph holds the full vectors: nothing is scored again. */
  readonly isExact: boolean;
}

export interface MeasureOptions {
  readonly efs: readonly number[];
  readonly seed: number;
  readonly threads: number;
  /** Called between pieces of work of some milliseconds. */
  readonly betweenSteps: () => void;
}

/** Best first. */
type Nearest = { readonly slot: number; readonly score: number }[];

/** In the order of `efs`, up to the first that finds nearly all; none of an empty graph. The same for the same seed. */
export function measureRecall(graph: MeasuredGraph, options: MeasureOptions): RecallPoint[] {
  const { entries } = graph;
  if (entries.length === 0) return [];
  const questions = questionsOf(graph, options.seed);
  const known = exactNearest(graph, questions, options).map((nearest) => new KnownScores(nearest, entries));
  const points: RecallPoint[] = [];
  for (const ef of options.efs) {
    const recall = recallAt(graph, questions, known, ef, options);
    points.push([ef, recall]);
    if (isEnough([ef, recall]) || ef >= entries.length) break;
  }
  return points;
}

/** What is known of one question: true scores of contexts, by their entries. */
class KnownScores {
  readonly scores = new Map<number, number>();
  /** A context with this score is one of the nearest. */
  readonly least: number;
  /** Different contexts among the nearest vectors. */
  readonly count: number;

  constructor(nearest: Nearest, entries: readonly number[]) {
    for (const { slot, score } of nearest) this.add(entries[slot] as number, score);
    this.least = (nearest.at(-1)?.score ?? 0) - TIE;
    this.count = this.scores.size;
  }

  add(entry: number, score: number): void {
    this.scores.set(entry, Math.max(score, this.scores.get(entry) ?? -Infinity));
  }

  /** Share of the nearest that are among `found`. */
  share(found: ReadonlySet<number>): number {
    let right = 0;
    for (const entry of found) if ((this.scores.get(entry) ?? -Infinity) >= this.least) right++;
    return Math.min(right, this.count) / this.count;
  }
}

function questionsOf({ vectors, entries, dimension }: MeasuredGraph, seed: number): Float32Array[] {
  const random = seededRandom(seed);
  const count = Math.min(QUESTIONS, entries.length);
  const slots = Array.from({ length: count }, (_, place) => {
    const from = Math.floor((place * entries.length) / count);
    const behind = Math.floor(((place + 1) * entries.length) / count);
    return from + Math.floor(random() * (behind - from));
  });
  const questions = slots.map(() => new Float32Array(dimension));
  const wanted = slots.map((slot, place): WantedSlot => ({ place, slot }));
  vectors.read(wanted, (place, vector) => (questions[place] as Float32Array).set(vector));
  for (const question of questions) {
    for (let i = 0; i < dimension; i++) if (random() < 0.5) question[i] = 0;
    const length = Math.hypot(...question);
    if (length > 0) for (let i = 0; i < dimension; i++) (question[i] as number) /= length;
  }
  return questions;
}

/** The `TOP` nearest vectors of each question, by comparing all. */
function exactNearest(
  { vectors, entries, dimension }: MeasuredGraph,
  questions: readonly Float32Array[],
  { threads, betweenSteps }: MeasureOptions,
): Nearest[] {
  const asked = joined(questions, dimension);
  let nearest: Nearest[] = questions.map(() => []);
  for (let first = 0; first < entries.length; first += SLICE) {
    const count = Math.min(SLICE, entries.length - first);
    const slice = vectors.readRange(first, count);
    const top = Math.min(TOP, count);
    const { keys, distances } = exactSearch(slice, asked, dimension, top, MetricKind.IP, threads);
    nearest = nearest.map((before, question) => {
      const found = Array.from({ length: top }, (_, i) => {
        const at = question * top + i;
        return { slot: first + Number(keys[at]), score: 1 - (distances[at] as number) };
      });
      return [...before, ...found].sort((a, b) => b.score - a.score).slice(0, TOP);
    });
    betweenSteps();
  }
  return nearest;
}

function recallAt(
  graph: MeasuredGraph,
  questions: readonly Float32Array[],
  known: readonly KnownScores[],
  ef: number,
  { betweenSteps }: MeasureOptions,
): number {
  const looked = graph.isExact ? TOP : rescoredCount(TOP);
  const asked = Math.min(ef, graph.entries.length);
  const found = questions.map((question, place) => {
    // A search keeps as many candidates as it is to give, if that is more than it keeps anyway.
    const { keys } = graph.index.search(question, asked, 1);
    if (place % ASKED === 0) betweenSteps();
    return new Set(Array.from(keys.subarray(0, looked), Number));
  });
  learnScores(graph, questions, known, found);
  return found.reduce((sum, each, i) => sum + (known[i] as KnownScores).share(each), 0) / questions.length;
}

/** What a graph found may be as near as the nearest without being among them: texts that are stored twice are. */
function learnScores(
  { vectors, entries }: MeasuredGraph,
  questions: readonly Float32Array[],
  known: readonly KnownScores[],
  found: readonly ReadonlySet<number>[],
): void {
  const wanted: WantedSlot[] = [];
  const about: { readonly question: number; readonly entry: number }[] = [];
  found.forEach((each, question) => {
    for (const entry of each) {
      if (known[question]?.scores.has(entry) === true) continue;
      for (let slot = firstSlot(entries, entry); entries[slot] === entry; slot++)
        wanted.push({ place: about.push({ question, entry }) - 1, slot });
    }
  });
  vectors.read(wanted, (place, vector) => {
    const { question, entry } = about[place] as (typeof about)[number];
    known[question]?.add(entry, dotProduct(questions[question] as Float32Array, vector));
  });
}

function firstSlot(entries: readonly number[], entry: number): number {
  let low = 0;
  let high = entries.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((entries[middle] as number) < entry) low = middle + 1;
    else high = middle;
  }
  return low;
}

function joined(questions: readonly Float32Array[], dimension: number): Float32Array {
  const all = new Float32Array(questions.length * dimension);
  questions.forEach((question, i) => all.set(question, i * dimension));
  return all;
}

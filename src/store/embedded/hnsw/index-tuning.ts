// What a graph is built and searched with, chosen by what was measured on its own vectors. Pure: the same measurements
// lead to the same choices. Vectors in clusters, as models make them, are found with few links; those that are hardly
// nearer to one another than to the rest, as of spellings, take three times as many, and building takes six times as long.

import type { WorkerSettings } from '../border/messages.ts';

type HnswSettings = WorkerSettings['hnsw'];

/** How a graph is built: with another shape it is another graph. */
export interface GraphShape {
  readonly m: number;
  readonly efConstruction: number;
}

/** Of the true nearest, a search that keeps `ef` candidates finds this share. */
export type RecallPoint = readonly [ef: number, recall: number];

/** What was measured of a graph, or of a smaller one that it has grown from. */
export interface Measured {
  /** Rising, up to the first that finds nearly all. */
  readonly recalls: readonly RecallPoint[];
  /** Vectors that the graph had. */
  readonly count: number;
}

/** How a graph is searched. */
export interface SearchTuning {
  readonly efSearch: number;
  /** As measured; null: it was not. */
  readonly recall: number | null;
}

/** From the first that is tried: links, and the most candidates with which searches are not slower than with the next. */
const SHAPES: readonly { readonly m: number; readonly efSearchMax: number }[] = [
  { m: 16, efSearchMax: 192 },
  { m: 32, efSearchMax: 320 },
  { m: 48, efSearchMax: Infinity },
];
/**
 * From so many vectors on, so many times as many candidates are worth it: a search takes some milliseconds longer, and another
 * graph many minutes of all processors.
 */
const LARGE_FROM = 250_000;
const LARGE_PATIENCE = 4;
/**
 * Where even the most candidates that are worth it miss so much more than they may, the next shape would miss much, too, and is
 * left out. What misses little and never finds it, as parts of the graph that no link leads to, is found with some more links.
 */
const FAR_TOO_FEW = 0.07;
const EF_CONSTRUCTION_PER_LINK = 4;
const EF_CONSTRUCTION_MAX = 1_024;
/** Where nothing was measured. */
const EF_SEARCH_UNMEASURED = 256;
/** Rising. A search never keeps fewer: so many are scored in full for ten answers. More take as long as reading all of a million. */
const EF_SEARCH_TRIED = [
  32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 640, 768, 1_024, 1_536, 2_048, 3_072, 4_096,
] as const;
/** Beyond there is nothing to gain. */
const RECALL_ENOUGH = 0.999;
/** More candidates are tried only where less than this is found. */
const EF_USUAL_MAX = 1_024;
const RECALL_USUAL = 0.99;
/** A graph that has grown by this factor is measured anew. */
const GROWTH_MAX = 1.5;

/** Whether what a file says is a measurement, or that there was none. */
export function isMeasured(value: unknown): value is Measured | null {
  if (value === null) return true;
  const { recalls, count } = (value ?? {}) as Partial<Record<keyof Measured, unknown>>;
  const isPoint = (point: unknown) => Array.isArray(point) && point.length === 2 && point.every(Number.isFinite);
  return Array.isArray(recalls) && recalls.every(isPoint) && Number.isInteger(count);
}

/** The `ef`s to be measured, rising. */
export function efsToTry({ efSearch }: HnswSettings): readonly number[] {
  if (efSearch === undefined) return EF_SEARCH_TRIED;
  return [...new Set([...EF_SEARCH_TRIED.filter((ef) => ef < efSearch), efSearch])];
}

/** No more candidates are to be tried. */
export function isEnough([ef, recall]: RecallPoint): boolean {
  return recall >= (ef < EF_USUAL_MAX ? RECALL_ENOUGH : RECALL_USUAL);
}

export function firstShape(settings: HnswSettings): GraphShape {
  return shapeOf(SHAPES[0]?.m ?? 0, settings);
}

/** Whether a graph of so many vectors is to be measured again. */
export function isOutgrown({ count }: Measured, vectors: number): boolean {
  return vectors >= count * GROWTH_MAX;
}

export function searchTuning(measured: Measured | null, settings: HnswSettings): SearchTuning {
  const recalls = measured?.recalls ?? [];
  const given = settings.efSearch;
  if (given !== undefined) return { efSearch: given, recall: recalls.findLast(([ef]) => ef <= given)?.[1] ?? null };
  const [efSearch, recall] = recalls.find((point) => point[1] >= settings.recall) ?? recalls.at(-1) ?? [];
  return { efSearch: efSearch ?? EF_SEARCH_UNMEASURED, recall: recall ?? null };
}

/** The shape that vectors which were measured in a graph of `shape` are worth: more links, fewer, or as many. */
export function wantedShape(shape: GraphShape, measured: Measured | null, settings: HnswSettings): GraphShape {
  const place = SHAPES.findIndex(({ m }) => m === shape.m);
  const { m, efSearch } = settings;
  if (measured === null || place < 0 || m !== undefined || efSearch !== undefined)
    return m === undefined ? shape : shapeOf(m, settings);
  const needed = measured.recalls.find((point) => point[1] >= settings.recall)?.[0] ?? Infinity;
  const patience = measured.count >= LARGE_FROM ? LARGE_PATIENCE : 1;
  const efSearchMax = (SHAPES[place]?.efSearchMax ?? Infinity) * patience;
  const isTooMany = needed === EF_SEARCH_TRIED[0];
  const best = measured.recalls.findLast(([ef]) => ef <= efSearchMax)?.[1] ?? 0;
  const more = needed <= efSearchMax ? 0 : best < settings.recall - FAR_TOO_FEW ? 2 : 1;
  const better = SHAPES[Math.min(SHAPES.length - 1, place + (isTooMany ? -1 : more))];
  return better === undefined || better.m === shape.m ? shape : shapeOf(better.m, settings);
}

function shapeOf(byDefault: number, settings: HnswSettings): GraphShape {
  const m = settings.m ?? byDefault;
  const efConstruction = settings.efConstruction ?? Math.min(EF_CONSTRUCTION_MAX, m * EF_CONSTRUCTION_PER_LINK);
  return { m, efConstruction };
}

/** Rough processor time in nanoseconds of what a vector is compared with while it is added, and of each of its numbers. */
const ADD_NS = 50;
const ADD_NUMBER_NS = 0.1;
/** Beside a graph's links, what each candidate costs as if it had so many more. */
const LINKS_BESIDE = 16;
/** Processor time of a graph that is not waited for: until it is there, others wait for theirs. */
const LONG_BUILD_SECS = 300;

/** Whether to add so many vectors takes long. */
export function isLongBuild(shape: GraphShape, vectors: number, dimension: number): boolean {
  return buildSecs(shape, vectors, dimension) > LONG_BUILD_SECS;
}

/**
 * Whether a level is indexed much sooner by a graph from nothing than by one of `shape` with `vectors` that takes in `more`: it has
 * many links, and most of the level is yet to come.
 */
export function isSoonerAnew(
  shape: GraphShape,
  vectors: number,
  more: number,
  { dimension, hnsw }: Pick<WorkerSettings, 'dimension' | 'hnsw'>,
): boolean {
  if (more < vectors || !isLongBuild(shape, more, dimension)) return false;
  return 2 * buildSecs(firstShape(hnsw), vectors + more, dimension) < buildSecs(shape, more, dimension);
}

function buildSecs({ m, efConstruction }: GraphShape, vectors: number, dimension: number): number {
  return (vectors * efConstruction * (m + LINKS_BESIDE) * (ADD_NS + dimension * ADD_NUMBER_NS)) / 1e9;
}

/** Vectors from which a level is tried with an index, and from which it has one in any case. */
const TRIED_FROM = 4_000;
const INDEXED_FROM = 20_000;
/** Vectors behind the last segment that are still scanned exactly: so many, or this share of a threshold that is given. */
const TAIL_MAX = 1_000;
const TAIL_SHARE = 0.05;

export interface LevelLimits {
  /** Vectors up to which search is exact. */
  readonly threshold: number;
  /** Vectors behind the last segment that are still scanned exactly. */
  readonly tailMax: number;
}

/**
 * `given`: by the settings; `exactUntil`: vectors up to which an index was found not to be worth it; `grownFrom`: vectors in the
 * index of a level that grows fast just now, which is left until it has doubled; null: it does not.
 */
export function levelLimits(given: number | undefined, exactUntil: number, grownFrom: number | null): LevelLimits {
  if (given !== undefined) return { threshold: given, tailMax: given * TAIL_SHARE };
  if (grownFrom !== null) return { threshold: INDEXED_FROM, tailMax: Math.max(TAIL_MAX, grownFrom) };
  return { threshold: Math.max(TRIED_FROM, exactUntil), tailMax: TAIL_MAX };
}

/** Rough costs in nanoseconds of one search: of each vector that is read, and of each of its numbers. */
const SCAN_NS = 30;
const SCAN_NUMBER_NS = 0.06;
const VISIT_NS = 20;
const VISIT_NUMBER_NS = 0.05;
/** Reading what a graph found from its file. */
const FOUND_NS = 100_000;

/** An index that is not worth it is tried again in a level of so many times as many vectors. */
const TRIED_AGAIN = 2;

export interface BuiltGraph {
  /** Vectors. */
  readonly count: number;
  readonly measured: Measured | null;
}

/** Vectors up to which reading all of the level takes no longer than asking the graph of it that was just built; 0: the graph is worth it. */
export function exactUntil(
  { count, measured }: BuiltGraph,
  { m }: GraphShape,
  { indexingThreshold, dimension, hnsw }: Pick<WorkerSettings, 'indexingThreshold' | 'dimension' | 'hnsw'>,
): number {
  if (indexingThreshold !== undefined || count >= INDEXED_FROM) return 0;
  const { efSearch } = searchTuning(measured, hnsw);
  const scanNs = count * (SCAN_NS + dimension * SCAN_NUMBER_NS);
  const graphNs = FOUND_NS + efSearch * (m + LINKS_BESIDE) * (VISIT_NS + dimension * VISIT_NUMBER_NS);
  return scanNs <= graphNs ? Math.min(INDEXED_FROM, TRIED_AGAIN * Math.max(count, 1)) : 0;
}

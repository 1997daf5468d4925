import { createHash } from 'node:crypto';
import { LEVELS, type ContextRecord, type Level } from '../../src/base/context.ts';
import { analyze } from '../../src/base/text/analyzer.ts';
import { DIRECT_FLAG, type Candidate, type Candidates } from '../../src/store/candidates.ts';
import type {
  ContextStore,
  Lifetime,
  MovedContext,
  NewContext,
  QueryTerm,
  SearchRequest,
  TermStatistics,
  WriteOp,
} from '../../src/store/store.ts';

/** Times of samples lie around this one. */
export const NOW_MS = 1_700_000_000_000;

/** A UUID that is the same for the same name. */
export function idOf(name: string): string {
  const hex = createHash('sha256').update(name).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

export function sampleRecord(name: string, fields: Partial<ContextRecord> = {}): ContextRecord {
  return {
    id: idOf(name),
    namespace: 'space',
    agentId: 'agent',
    sessionId: 'session',
    level: 'immediate',
    text: `text of ${name}`,
    tokenCount: 4,
    metadata: {},
    tags: [],
    version: 1,
    createdAtMs: NOW_MS,
    updatedAtMs: NOW_MS,
    expiresAtMs: null,
    expiryAction: 'delete',
    expirySetBy: 'level',
    accessCount: 0,
    ...fields,
  };
}

/** What a level gives to a context for good. */
export const FOR_GOOD: Lifetime = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'level' };

/** What a client asks for. */
export function untilOf(expiresAtMs: number): Lifetime {
  return { expiresAtMs, expiryAction: 'delete', expirySetBy: 'client' };
}

/** A vector of length 1 that is the same for the same name and nearly orthogonal to every other one's. */
export function vectorOf(name: string, dimension: number): Float32Array {
  const vector = new Float32Array(dimension);
  let digest = createHash('sha256').update(name).digest();
  for (let i = 0; i < dimension; i++) {
    if (i % 32 === 0) digest = createHash('sha256').update(digest).digest();
    vector[i] = (digest[i % 32] as number) / 127.5 - 1;
  }
  return normalize(vector);
}

/** Between the vectors of two names: `share` 0 is the first, 1 the second. */
export function vectorBetween(a: string, b: string, share: number, dimension: number): Float32Array {
  const from = vectorOf(a, dimension);
  const to = vectorOf(b, dimension);
  return normalize(from.map((value, i) => value * (1 - share) + (to[i] as number) * share));
}

export function normalize(vector: Float32Array): Float32Array {
  const norm = Math.hypot(...vector);
  return norm === 0 ? vector : vector.map((value) => value / norm);
}

export function dot(a: Float32Array, b: Float32Array): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] as number), 0);
}

export function sample(name: string, dimension: number, fields: Partial<ContextRecord> = {}): NewContext {
  return { record: sampleRecord(name, fields), vector: vectorOf(name, dimension) };
}

export function put(context: NewContext): WriteOp {
  return { op: 'put', context };
}

export function termsOf(query: string): QueryTerm[] {
  return [...new Set(analyze(query))].map((term) => ({ term, weight: 1 }));
}

export function searchOf(fields: Partial<SearchRequest>): SearchRequest {
  return {
    namespace: 'space',
    levels: ['immediate'],
    includeSessionless: true,
    terms: [],
    names: [],
    denseSamples: 0,
    candidates: 10,
    neighbours: 0,
    namesNeighbours: true,
    nowMs: NOW_MS,
    ...fields,
  };
}

/** What a trim says of a context that it has moved. */
export function movedOf({ namespace, id, level, expiresAtMs, expiryAction, expirySetBy }: ContextRecord): MovedContext {
  return { namespace, id, level, expiresAtMs, expiryAction, expirySetBy };
}

/** A candidate as one object, which a test can look at. */
export interface FoundCandidate extends Candidate {
  readonly lexical: number;
}

/** What a search of one level found. */
export interface Found {
  readonly candidates: FoundCandidate[];
  readonly searched: number;
  readonly denseMedian: number | null;
  readonly statistics: TermStatistics;
}

export async function searchIn(store: ContextStore, request: SearchRequest): Promise<Found> {
  const { candidates, levels, statistics } = await store.search(request);
  const [level] = levels;
  if (level === undefined || levels.length > 1) throw new Error(`${levels.length} levels answered`);
  return { candidates: foundIn(candidates), searched: level.searched, denseMedian: level.denseMedian, statistics };
}

export function foundIn({ columns, ids }: Candidates): FoundCandidate[] {
  return Array.from({ length: columns.count }, (_, place) => {
    const dense = columns.dense[place] as number;
    const flags = columns.flags[place] as number;
    return {
      id: ids.at(place) as string,
      level: LEVELS[columns.levels[place] as number] as Level,
      createdAtMs: columns.createdAtMs[place] as number,
      accessCount: columns.accessCounts[place] as number,
      tokenCount: columns.tokenCounts[place] as number,
      dense: Number.isNaN(dense) ? null : dense,
      lexical: columns.lexical[place] as number,
      termScores: columns.termScores.slice(place * columns.termCount, (place + 1) * columns.termCount),
      traitFlags: flags & ~DIRECT_FLAG,
      direct: (flags & DIRECT_FLAG) !== 0,
      previousId: idAt(ids, columns.previous[place]),
      nextId: idAt(ids, columns.next[place]),
    };
  });
}

function idAt(ids: Candidates['ids'], place: number | undefined): string | null {
  return place === undefined || place < 0 ? null : (ids.at(place) ?? null);
}

// The driver in the plainest words: contexts in a map, read from one end to the other by every call. For tests and
// trials; what it holds is gone with the process.

import { textLengths } from '../../base/text/bm25.ts';
import type { ContextRecord, Level } from '../../base/context.ts';
import { LoopTurns } from '../../base/loop-turns.ts';
import { countTerms, type TermCounts } from '../../base/text/analyzer.ts';
import { textKey } from '../../base/text/normal.ts';
import { speakerInMetadata } from '../../base/text/told-speaker.ts';
import { textTraits, type TextTraits } from '../../base/text/traits.ts';
import { applyPatch, isOver, meets } from '../apply-patch.ts';
import type {
  Counts,
  CountsRequest,
  Features,
  Found,
  HitRequest,
  LevelHits,
  NearestRequest,
  Position,
  Question,
  Reach,
  ScanOrder,
  ScanPage,
  ScanRequest,
  StoreDriver,
} from '../driver.ts';
import { filterMatcher } from '../filter-match.ts';
import { derivedInTurns } from '../generic/derived-texts.ts';
import { bestCosineWith, TermScorer } from '../generic/features.ts';
import { comparePositions } from '../generic/positions.ts';
import { replyBytes } from '../generic/reply-bytes.ts';
import { freedBy, isLinked } from '../supersession.ts';
import type { Change, ChangeResult, NewContext, TermStatistics, TextVectors } from '../store.ts';
import { MemoryDocuments } from './memory-documents.ts';
import { formsOf, formsOfJoined, joinTerm } from '../term-forms.ts';
import { holds } from '../times.ts';
import { decideTransfer } from '../transfer.ts';

interface Row {
  readonly vectors: TextVectors;
  readonly record: ContextRecord;
  /** Order of arrival, for good. */
  readonly arrival: number;
  /** Order in which contexts came into their level. */
  readonly entered: number;
  readonly termCounts: ReadonlyMap<string, number>;
  readonly termCount: number;
  readonly traits: TextTraits;
  readonly textKey: number;
}

type Derived = Pick<Row, 'termCounts' | 'termCount' | 'traits' | 'textKey'>;

export class MemoryDriver implements StoreDriver {
  readonly name = 'memory';
  readonly capabilities = { atomicBatches: false };
  readonly documents = new MemoryDocuments();
  readonly #namespaces = new Map<string, Map<string, Row>>();
  #last = 0;
  readonly #turns = new LoopTurns();
  #applied: Promise<unknown> = Promise.resolve();
  /** Of the texts that are being applied, where they are long. */
  #derived: ReadonlyMap<string, Derived> = new Map();

  /** One call behind the other, though the texts of one may take several turns. */
  apply(changes: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
    const derived = derivedInTurns(changes, derive, this.#turns);
    const applied = Promise.all([derived, this.#applied]).then(([known]) => {
      this.#derived = known;
      const results = changes.map((change) => this.#apply(change, nowMs));
      this.#derived = new Map();
      return results;
    });
    this.#applied = applied.catch(() => undefined);
    return applied;
  }

  get(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    return answer(() => ids.map((id) => this.#living(namespace, id, nowMs)?.record ?? null));
  }

  scan(requests: readonly ScanRequest[]): Promise<ScanPage[]> {
    return answer(() => requests.map((request) => this.#page(request)));
  }

  nearest(request: NearestRequest): Promise<LevelHits[]> {
    const { question, samples } = request;
    return answer(() =>
      request.levels.map((level) => ({
        ...this.#best(request, level, (row) => bestCosineWith(question, row.vectors)),
        sample: spread([...this.#rows({ namespace: request.namespace, levels: [level] })], samples).map(
          ({ vectors }) => vectors.vector,
        ),
      })),
    );
  }

  matching(request: HitRequest): Promise<LevelHits[]> {
    const { namespace, question } = request;
    const statistics = this.#statistics(namespace, question.terms.map(joinTerm));
    const scorer = new TermScorer(question.terms, statistics);
    return answer(() =>
      request.levels.map((level) =>
        this.#best(request, level, (row) => {
          const score = scorer.scores(featuresOf(row, question)).reduce((sum, one) => sum + one, 0);
          return score > 0 ? score : null;
        }),
      ),
    );
  }

  counts({ reaches, statistics }: CountsRequest): Promise<Counts> {
    return answer(() => ({
      counts: reaches.map((reach) => [...this.#rows(reach)].length),
      ...(statistics === undefined ? {} : { statistics: this.#statistics(statistics.namespace, statistics.terms) }),
    }));
  }

  ping(): Promise<void> {
    return Promise.resolve();
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  #apply(change: Change, nowMs: number): ChangeResult {
    if (change.op === 'put') return this.#put(change.context, nowMs);
    if (change.op === 'transfer') return this.#transfer(change, nowMs);
    if (change.op === 'update') return this.#update(change, nowMs);
    const { namespace, ids, onlyIf = {} } = change;
    const deletedIds = [...new Set(ids)].filter((id) => {
      const row = this.#find(namespace, id);
      return row !== undefined && meets(row.record, onlyIf, row.vectors.unembedded);
    });
    const freed = deletedIds.flatMap((id) => freedBy(this.#find(namespace, id)?.record ?? null));
    for (const id of deletedIds) this.#namespaces.get(namespace)?.delete(id);
    return { op: 'delete', deletedIds, ...(freed.length === 0 ? {} : { freed }) };
  }

  #derivedOf(text: string): Derived {
    return this.#derived.get(text) ?? derive(text);
  }

  #put({ record, ...vectors }: NewContext, nowMs: number): ChangeResult {
    const existing = this.#living(record.namespace, record.id, nowMs)?.record;
    if (existing !== undefined && existing.text !== record.text) return { op: 'put', conflict: true };
    if (existing !== undefined) return { op: 'put', created: false, record: existing };
    const arrival = ++this.#last;
    this.#set({ record, arrival, entered: arrival, vectors: copied(vectors), ...this.#derivedOf(record.text) });
    return { op: 'put', created: true, record };
  }

  #transfer({ context, entered }: Extract<Change, { op: 'transfer' }>, nowMs: number): ChangeResult {
    const row = this.#find(context.record.namespace, context.record.id);
    const { outcome, record } = decideTransfer(row ?? null, { record: context.record, entered }, nowMs);
    const before = row === undefined ? {} : { before: row.record.level };
    if (outcome === 'created' || outcome === 'replaced') {
      const arrival = row === undefined || outcome === 'created' ? ++this.#last : row.arrival;
      this.#last = Math.max(this.#last, entered);
      this.#set({ record, arrival, entered, vectors: copied(context), ...this.#derivedOf(record.text) });
    }
    return { op: 'transfer', outcome, record, ...before };
  }

  #update(change: Extract<Change, { op: 'update' }>, nowMs: number): ChangeResult {
    const { namespace, id, patch, ifVersion, onlyIf = {} } = change;
    const row = change.updatedAtMs === undefined ? this.#find(namespace, id) : this.#living(namespace, id, nowMs);
    if (row === undefined || !meets(row.record, onlyIf, row.vectors.unembedded))
      return { op: 'update', failed: 'not_found' };
    const { version, level } = row.record;
    if (ifVersion !== undefined && ifVersion !== version) return { op: 'update', failed: 'version_conflict', version };
    const record = applyPatch(row.record, change);
    const entered = record.level === level ? row.entered : ++this.#last;
    const isReworded = patch.text !== undefined && record.text !== row.record.text;
    const derived = isReworded ? this.#derivedOf(record.text) : row;
    const vectors = isReworded ? patch.text : patch.vectors;
    this.#set({ ...row, ...derived, ...(vectors && { vectors: copied(vectors) }), record, entered });
    return { op: 'update', record };
  }

  #set(row: Row): void {
    const { namespace, id } = row.record;
    let rows = this.#namespaces.get(namespace);
    if (rows === undefined) this.#namespaces.set(namespace, (rows = new Map<string, Row>()));
    rows.set(id, row);
  }

  #find(namespace: string, id: string): Row | undefined {
    return this.#namespaces.get(namespace)?.get(id);
  }

  #living(namespace: string, id: string, nowMs: number): Row | undefined {
    const row = this.#find(namespace, id);
    return row === undefined || isOver(row.record, nowMs) ? undefined : row;
  }

  *#rows(reach: Reach): Iterable<Row> {
    const isReached = reachTest(reach);
    const namespaces =
      reach.namespace === undefined ? this.#namespaces.values() : [this.#namespaces.get(reach.namespace)];
    for (const rows of namespaces) for (const row of rows?.values() ?? []) if (isReached(row)) yield row;
  }

  #page(request: ScanRequest): ScanPage {
    const { order, descending, after, limit, bytesMax = Infinity, vectors, question } = request;
    const behind = (position: Position): boolean => after === undefined || compare(position, after) > 0;
    const compare = (a: Position, b: Position): number => (descending ? -1 : 1) * comparePositions(a, b);
    const placed = [...this.#rows(request)]
      .flatMap((row) => {
        const position = positionOf(row, order);
        return position !== null && behind(position) ? [{ row, position }] : [];
      })
      .sort((a, b) => compare(a.position, b.position));
    const found: Found[] = [];
    let bytes = 0;
    for (const { row, position } of placed) {
      bytes += bytesMax === Infinity ? 0 : replyBytes(row.record);
      if (found.length === limit || (found.length > 0 && bytes > bytesMax)) return { found, more: true };
      found.push({
        record: row.record,
        position,
        ...(vectors === true ? { ...vectorsOf(row.vectors), entered: row.entered } : {}),
        ...(question === undefined ? {} : { features: featuresOf(row, question) }),
      });
    }
    return { found, more: false };
  }

  #best(request: HitRequest, level: Level, scoreOf: (row: Row) => number | null): LevelHits {
    const { question, count } = request;
    const scored = [...this.#rows({ ...request, levels: [level] })].flatMap((row) => {
      const score = scoreOf(row);
      return score === null ? [] : [{ row, score }];
    });
    const best = scored.sort((a, b) => b.score - a.score).slice(0, count);
    return {
      hits: best.map(({ row }) => ({
        record: row.record,
        position: positionOf(row, 'creation') ?? [],
        features: featuresOf(row, question),
      })),
    };
  }

  #statistics(namespace: string, terms: readonly string[]): TermStatistics {
    const rows = [...this.#rows({ namespace })];
    const termCount = rows.reduce((sum, row) => sum + row.termCount, 0);
    const termSquares = rows.reduce((sum, row) => sum + row.termCount ** 2, 0);
    return {
      documentCount: rows.length,
      ...textLengths(rows.length, termCount, termSquares),
      documentFrequencies: terms.map((term) =>
        formsOfJoined(term).reduce(
          (sum, form) => sum + rows.filter(({ termCounts }) => termCounts.has(form)).length,
          0,
        ),
      ),
    };
  }
}

/** As a driver does whose database is far away: later, and with what was thrown as a rejection. */
async function answer<T>(work: () => T): Promise<T> {
  await Promise.resolve();
  return work();
}

function reachTest(reach: Reach): (row: Row) => boolean {
  const { levels, agentId, sessionId, includeSessionless = false, filter, nowMs, unembedded, time, linked } = reach;
  const { supersedes } = reach;
  const passes = filter === undefined ? () => true : filterMatcher(filter);
  return ({ record, vectors }) => {
    if (unembedded !== undefined && vectors.unembedded !== unembedded) return false;
    if (levels?.includes(record.level) === false) return false;
    if (agentId !== undefined && record.agentId !== agentId) return false;
    if (time !== undefined && !holds(record, time)) return false;
    if (linked === true && !isLinked(record)) return false;
    if (supersedes?.some((id) => record.times?.supersedes?.includes(id)) === false) return false;
    const isOfSession = record.sessionId === sessionId || (includeSessionless && record.sessionId === null);
    if (sessionId !== undefined && !isOfSession) return false;
    return (nowMs === undefined || !isOver(record, nowMs)) && passes(record);
  };
}

function positionOf({ record, arrival, entered }: Row, order: ScanOrder): [number, number] | null {
  if (order === 'entry') return [entered, arrival];
  if (order === 'creation') return [record.createdAtMs, arrival];
  return record.expiresAtMs === null ? null : [record.expiresAtMs, arrival];
}

function vectorsOf({ vector, passages = [], unembedded }: TextVectors): TextVectors {
  return { vector, ...(passages.length > 0 && { passages }), ...(unembedded && { unembedded }) };
}

function copied({ vector, passages = [], unembedded }: TextVectors): TextVectors {
  const copies = { vector: vector.slice(), passages: passages.map((passage) => passage.slice()) };
  return { ...copies, ...(unembedded && { unembedded }) };
}

function derive(text: string, { counts, length }: TermCounts = countTerms(text)): Derived {
  return { termCounts: counts, termCount: length, traits: textTraits(text), textKey: textKey(text) };
}

function featuresOf(row: Row, question: Question): Features {
  const { termCounts, termCount, traits, textKey: key, record } = row;
  return {
    dense: bestCosineWith(question, row.vectors),
    termCounts: question.terms.map((term) => formsOf(term).reduce((sum, form) => sum + (termCounts.get(form) ?? 0), 0)),
    termCount,
    traits: traits.speaker.length > 0 ? traits : { ...traits, speaker: speakerInMetadata(record.metadata) },
    textKey: key,
  };
}

/** So many of the items, at even distances. */
function spread<T>(items: readonly T[], count: number): T[] {
  if (items.length <= count) return [...items];
  return Array.from({ length: count }, (_, i) => items[Math.floor((i * items.length) / count)] as T);
}

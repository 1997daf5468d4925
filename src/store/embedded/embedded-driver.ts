// The core of the contract over the store worker.

import type { ContextOutline, ContextRecord } from '../../base/context.ts';
import type {
  Counts,
  CountsRequest,
  Found,
  Hit,
  HitRequest,
  LevelHits,
  NearestRequest,
  Question,
  Reach,
  ScanPage,
  ScanRequest,
  StoreDriver,
} from '../driver.ts';
import type { Change, ChangeResult } from '../store.ts';
import { joinTerm } from '../term-forms.ts';
import { toLevelNumber, toRecord, unpackRows } from './border/rows.ts';
import { EmbeddedDocuments } from './embedded-documents.ts';
import { decodeChange, decodeStatistics, encodeChange, recordsById, type Parcel } from './encode.ts';
import type { WireHits, WirePage, WireQuestion, WireReach, WireScan, WireWriteResult } from './border/messages.ts';
import type { WorkerLink } from './worker-link.ts';

export class EmbeddedDriver implements StoreDriver {
  readonly name = 'embedded';
  readonly capabilities = { atomicBatches: false };
  readonly tellsSuperseded = true;
  readonly documents: EmbeddedDocuments;
  readonly #link: WorkerLink;
  readonly #dimension: number;

  constructor(link: WorkerLink, dimension: number) {
    this.#link = link;
    this.documents = new EmbeddedDocuments(link);
    this.#dimension = dimension;
  }

  /** The worker has its own time, which is that of the call. */
  async apply(changes: readonly Change[]): Promise<ChangeResult[]> {
    if (changes.length === 0) return [];
    const results = await this.#link.call('write', (parcel) => changes.map((change) => encodeChange(change, parcel)));
    return changes.map((change, i) => decodeChange(change, results[i] as WireWriteResult));
  }

  get(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextRecord | null)[]> {
    return this.#byIds('fetch', namespace, ids, nowMs);
  }

  outlines(namespace: string, ids: readonly string[], nowMs: number): Promise<(ContextOutline | null)[]> {
    return this.#byIds('outlines', namespace, ids, nowMs);
  }

  async #byIds(
    kind: 'fetch' | 'outlines',
    namespace: string,
    ids: readonly string[],
    nowMs: number,
  ): Promise<(ContextRecord | null)[]> {
    const rows = await this.#link.call(kind, () => ({ namespace, ids, nowMs }));
    const records = recordsById(namespace, rows);
    return ids.map((id) => records.get(id) ?? null);
  }

  async scan(requests: readonly ScanRequest[], signal?: AbortSignal): Promise<ScanPage[]> {
    const encode = (parcel: Parcel): WireScan[] => requests.map((request) => encodeScan(request, parcel));
    const pages = await this.#link.call('scan', encode, signal);
    return pages.map((page, i) => decodePage(page, requests[i]?.namespace, this.#dimension));
  }

  nearest(request: NearestRequest, signal?: AbortSignal): Promise<LevelHits[]> {
    return this.#hits('nearest', request, request.samples, signal);
  }

  matching(request: HitRequest, signal?: AbortSignal): Promise<LevelHits[]> {
    return this.#hits('matching', request, 0, signal);
  }

  async counts({ reaches, statistics }: CountsRequest): Promise<Counts> {
    const body = { reaches: reaches.map(encodeReach), statistics: statistics ?? null };
    const counted = await this.#link.call('counts', () => body);
    if (counted.statistics === null) return { counts: counted.counts };
    return { counts: counted.counts, statistics: decodeStatistics(counted.statistics) };
  }

  async ping(): Promise<void> {
    await this.#link.call('ping', () => null);
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  async #hits(
    side: WireHits['side'],
    request: HitRequest,
    samples: number,
    signal: AbortSignal | undefined,
  ): Promise<LevelHits[]> {
    const { namespace, agentId, sessionId, filter, includeSessionless, count, nowMs, time = null } = request;
    const scope = { namespace, agentId: agentId ?? null, sessionId: sessionId ?? null, filter: filter ?? null };
    const levels = request.levels.map(toLevelNumber);
    const encode = (parcel: Parcel): WireHits => {
      const question = encodeQuestion(request.question, parcel);
      return { side, ...scope, levels, includeSessionless, question, count, samples, nowMs, time };
    };
    const found = await this.#link.call('hits', encode, signal);
    return found.map(({ hits, sample }) => ({ hits: hits satisfies readonly Hit[], sample }));
  }
}

function encodeReach(reach: Reach): WireReach {
  return {
    namespace: reach.namespace ?? null,
    levels: reach.levels?.map(toLevelNumber) ?? null,
    agentId: reach.agentId ?? null,
    sessionId: reach.sessionId,
    includeSessionless: reach.includeSessionless ?? false,
    filter: reach.filter ?? null,
    nowMs: reach.nowMs ?? null,
    time: reach.time ?? null,
    linked: reach.linked ?? false,
    unembedded: reach.unembedded ?? null,
  };
}

function encodeQuestion({ vector, terms }: Question, parcel: Parcel): WireQuestion {
  return {
    vector: vector === undefined ? null : parcel.vector(vector),
    terms: terms.map(joinTerm),
    weights: terms.map(({ weight }) => weight),
  };
}

function encodeScan(request: ScanRequest, parcel: Parcel): WireScan {
  const { order, descending, after, limit, bytesMax = Infinity, vectors = false, question } = request;
  return {
    ...encodeReach(request),
    order,
    descending,
    after: after === undefined ? null : [Number(after[0]), Number(after[1])],
    limit,
    bytesMax,
    vectors,
    question: question === undefined ? null : encodeQuestion(question, parcel),
  };
}

function decodePage(page: WirePage, namespace: string | undefined, dimension: number): ScanPage {
  const { namespaces, positions, vectors, entered, features, more } = page;
  const passages = passagesIn(page, dimension);
  const found = unpackRows(page.rows).map((row, i): Found => {
    const record = toRecord(namespaces?.[i] ?? namespace ?? '', row);
    const position = [positions[2 * i] as number, positions[2 * i + 1] as number];
    // A spread for each row of a list would cost as much as reading the row.
    if (vectors === null && features === null) return { record, position };
    const vector = vectors?.slice(i * dimension, (i + 1) * dimension);
    const further = passages.get(i);
    const known = features?.[i];
    const placed = entered?.[i];
    const unembedded = page.unembedded?.[i];
    const held = {
      ...(vector && { vector }),
      ...(further && { passages: further }),
      ...(unembedded && { unembedded }),
    };
    const place = placed === undefined ? {} : { entered: placed };
    return { record, position, ...held, ...place, ...(known && { features: known }) };
  });
  return { found, more };
}

/** By the place of their row. */
function passagesIn({ passages }: WirePage, dimension: number): ReadonlyMap<number, Float32Array[]> {
  const found = new Map<number, Float32Array[]>();
  let at = 0;
  passages?.counts.forEach((count, i) => {
    const first = at;
    at += count * dimension;
    const vectorAt = (_: unknown, place: number) =>
      passages.vectors.slice(first + place * dimension, first + (place + 1) * dimension);
    if (count > 0) found.set(i, Array.from({ length: count }, vectorAt));
  });
  return found;
}

import { throwIfAborted } from '../../base/abort.ts';
import type { DocumentPlace, DocumentStore } from '../../store/documents.ts';
import { holdsAt, type Fact, type HeldFact } from './fact.ts';
import { FACT_KIND, factOf } from './fact-document.ts';
import type { Succession } from './succession.ts';

export interface FactScan {
  readonly store: Pick<DocumentStore, 'scanDocuments'>;
  readonly succession: Succession;
  readonly namespace: string;
  readonly agentId?: string | undefined;
  /** Absent: all facts of the namespace or the agent. */
  readonly term?: string | undefined;
  readonly asOfMs: number;
  readonly knownAtMs?: number | undefined;
  readonly includePast: boolean;
  readonly isMeant: (fact: Fact) => boolean;
  readonly limit: number;
  readonly bytesMax: number;
  /** Facts looked at, at most. */
  readonly scannedMax: number;
  readonly after?: DocumentPlace | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface FoundFacts {
  readonly facts: readonly HeldFact[];
  /** Where it goes on; absent: there is no more. */
  readonly next?: DocumentPlace;
}

const PAGE_MIN = 16;
const PAGE_MAX = 256;

/** Facts that hold, those that began last first; it ends early where it had to look at many that do not. */
export async function scanFacts(scan: FactScan): Promise<FoundFacts> {
  const { store, succession, namespace, agentId, term, asOfMs, limit, bytesMax, signal } = scan;
  const owner = term !== undefined || agentId === undefined ? {} : { owner: agentId };
  const reach = { namespace, kind: FACT_KIND, descending: true, ...owner, ...(term !== undefined && { term }) };
  const facts: HeldFact[] = [];
  let bytes = 0;
  let scanned = 0;
  let after = scan.after;
  for (;;) {
    throwIfAborted(signal);
    const wanted = Math.min(Math.max(limit - facts.length, PAGE_MIN), PAGE_MAX, scan.scannedMax - scanned);
    const start = after === undefined ? { from: asOfMs } : { after };
    const page = await store.scanDocuments({ ...reach, ...start, limit: wanted });
    const known = page.documents.map(factOf);
    const held = await heldOf(known, scan, succession);
    for (const [at, fact] of known.entries()) {
      const found = held.get(fact);
      if (found === undefined) continue;
      const weight = factBytes(fact);
      if (facts.length === limit || (facts.length > 0 && bytes + weight > bytesMax))
        return { facts, next: (at === 0 ? after : page.places[at - 1]) as DocumentPlace };
      facts.push(found);
      bytes += weight;
    }
    scanned += known.length;
    after = page.next;
    if (after === undefined) return { facts };
    if (facts.length === limit || scanned >= scan.scannedMax) return { facts, next: after };
  }
}

async function heldOf(
  known: readonly Fact[],
  { asOfMs, knownAtMs = Infinity, includePast, isMeant }: FactScan,
  succession: Succession,
): Promise<Map<Fact, HeldFact>> {
  const meant = known.filter(
    (fact) =>
      fact.recordedAtMs <= knownAtMs &&
      isMeant(fact) &&
      (includePast || fact.validUntilMs === null || fact.validUntilMs > asOfMs),
  );
  const held = await succession.held(meant);
  return new Map(held.filter((one) => includePast || holdsAt(one, asOfMs)).map((one) => [one.fact, one]));
}

const BYTES_PER_UNIT = 3;
/** Ids, times and names of fields. */
const FIXED_BYTES = 512;
const SOURCE_BYTES = 40;

/** What a fact weighs on the wire, at most. */
export function factBytes({ subject, predicate, object, agentId, metadata, sourceIds }: Fact): number {
  const units = subject.length + predicate.length + object.length + agentId.length + JSON.stringify(metadata).length;
  return FIXED_BYTES + BYTES_PER_UNIT * units + SOURCE_BYTES * sourceIds.length;
}

import { orAbort, throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { JsonObject } from '../../base/context.ts';
import { badRequest, CodedError } from '../../base/errors.ts';
import { isSameJson } from '../../base/json.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import type { Metrics } from '../../base/metrics.ts';
import { uuidV7, type Random } from '../../base/random.ts';
import { isBlank } from '../../base/text/blank.ts';
import { foldName } from '../../base/text/names.ts';
import type { DocumentChange, DocumentStore } from '../../store/documents.ts';
import { factsAround } from './around.ts';
import { foldedNames, type Fact, type FactInput, type HeldFact } from './fact.ts';
import { FACT_KIND, FACT_NAME_KIND, factDocument, factOf, factTerm, nameDocument, nameTerms } from './fact-document.ts';
import { scanFacts } from './fact-scan.ts';
import { forgetNames } from './forget-names.ts';
import { possibleNames } from './name-words.ts';
import { Relations } from './relations.ts';
import { Succession } from './succession.ts';
import type {
  Around,
  AroundInput,
  FactCallOptions,
  FactMemory,
  FactPage,
  FactScope,
  ListFactsInput,
  PutFact,
  PutFactsInput,
} from './types.ts';

export interface FactsDeps {
  readonly store: DocumentStore;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  /** For what a put takes of this thread at a time. */
  readonly turns: LoopTurns;
}

/** Facts looked at for one page of a list: where few of them hold, the page ends early. */
const LIST_SCANNED_MAX = 2_000;
/** Facts that are made into documents, or whose relations are told, before other work gets its turn. */
const FACTS_PER_TURN = 8;
/** Names of a question whose facts are looked for, and facts looked at for each. */
const NAMES_MAX = 8;
const NAMED_SCANNED_MAX = 256;

/**
 * Facts: a subject, a predicate, an object, and when it holds. Each is one document that never changes, so a put is whole
 * or is not; which of them hold is found where they are read (`Succession`).
 */
export class Facts implements FactMemory {
  readonly #deps: FactsDeps;
  #lastMs = 0;
  #turn = 0;

  constructor(deps: FactsDeps) {
    this.#deps = deps;
  }

  async put({ namespace, agentId, facts }: PutFactsInput, { signal }: FactCallOptions = {}): Promise<PutFact[]> {
    throwIfAborted(signal);
    const { store, metrics } = this.#deps;
    const drafts = facts.map((input, place) => this.#draft(input, place, namespace, agentId));
    const ids = drafts.map(({ id }) => id);
    const known = await orAbort(store.documents(namespace, FACT_KIND, ids), signal);
    // What cannot be is told before anything is written; the last word has the write.
    const first = new Map<string, Fact>();
    for (const [place, draft] of drafts.entries()) {
      const found = known[place];
      const before = found === undefined || found === null ? first.get(draft.id) : factOf(found);
      if (before !== undefined) checkSame(before, draft, facts[place] as FactInput, place);
      if (!first.has(draft.id)) first.set(draft.id, before ?? draft);
    }
    const fresh = [...first.values()].filter((draft) => drafts.includes(draft));
    throwIfAborted(signal);
    const created = new Set(await this.#write(namespace, fresh));
    for (const [place, draft] of fresh.entries())
      if (!created.has(draft.id)) await this.#checkLost(draft, place, facts);
    metrics.count('facts_put_total', undefined, created.size);
    return this.#told(namespace, ids, created, signal);
  }

  async list(input: ListFactsInput, { signal }: FactCallOptions = {}): Promise<FactPage> {
    const { store, clock } = this.#deps;
    const { namespace, agentId, knownAtMs, includePast = false, limit, bytesMax, cursor } = input;
    const begun = cursor === undefined ? undefined : store.cursorPlace(namespace, cursor);
    const asOfMs = input.asOfMs ?? begun?.timeMs ?? clock.nowMs();
    const names = wantedNames(input);
    const { facts, next } = await scanFacts({
      ...{ store, namespace, agentId, asOfMs, knownAtMs, includePast, limit, bytesMax, signal },
      succession: new Succession({ store, namespace, knownAtMs, signal }),
      term: termFor(agentId, names),
      isMeant: ({ folded }) => names.every(([field, name]) => folded[field] === name),
      scannedMax: LIST_SCANNED_MAX,
      after: begun?.place,
    });
    return next === undefined ? { facts } : { facts, cursor: store.placeCursor(namespace, next, asOfMs) };
  }

  around(input: AroundInput, { signal }: FactCallOptions = {}): Promise<Around> {
    const { store, clock } = this.#deps;
    return factsAround(input, { store, asOfMs: input.asOfMs ?? clock.nowMs(), signal });
  }

  async named(
    question: string,
    scope: FactScope,
    limit: number,
    { signal }: FactCallOptions = {},
  ): Promise<HeldFact[]> {
    const { store, clock } = this.#deps;
    const { namespace, agentId, knownAtMs, includePast = false } = scope;
    const asOfMs = scope.asOfMs ?? clock.nowMs();
    const names = await this.#namesIn(question, scope, signal);
    const succession = new Succession({ store, namespace, knownAtMs, signal });
    const found = await Promise.all(
      names.map((term) =>
        scanFacts({
          ...{ store, succession, namespace, agentId, term, asOfMs, knownAtMs, includePast, limit, signal },
          bytesMax: Infinity,
          isMeant: () => true,
          scannedMax: NAMED_SCANNED_MAX,
        }),
      ),
    );
    const byTurns = new Map<string, HeldFact>();
    for (let at = 0; at < limit; at++) {
      for (const { facts } of found) {
        const held = facts[at];
        if (held !== undefined) byTurns.set(held.fact.id, held);
      }
    }
    return [...byTurns.values()].slice(0, limit);
  }

  async delete(namespace: string, id: string, agentId?: string, { signal }: FactCallOptions = {}): Promise<number> {
    const { store, metrics } = this.#deps;
    const [known] = await orAbort(store.documents(namespace, FACT_KIND, [id]), signal);
    if (known === undefined || known === null || (agentId !== undefined && known.owner !== agentId)) return 0;
    throwIfAborted(signal);
    await store.writeDocuments([{ op: 'delete', namespace, kind: FACT_KIND, key: id }]);
    metrics.count('facts_deleted_total');
    await forgetNames(store, factOf(known));
    return 1;
  }

  #draft(input: FactInput, place: number, namespace: string, agentId: string): Fact {
    for (const field of ['subject', 'predicate', 'object'] as const)
      if (isBlank(input[field])) throw badRequest(`/facts/${place}/${field}`, 'must show something');
    const nowMs = this.#deps.clock.nowMs();
    const { id = uuidV7(nowMs, this.#deps.random), subject, predicate, object, validFromMs = nowMs } = input;
    const validUntilMs = input.validUntilMs ?? null;
    if (validUntilMs !== null && validUntilMs <= validFromMs)
      throw badRequest(`/facts/${place}/valid_until`, 'must be after valid_from');
    this.#turn = nowMs === this.#lastMs ? this.#turn + 1 : 0;
    this.#lastMs = nowMs;
    return {
      ...{ id, namespace, agentId, subject, predicate, object, validFromMs, validUntilMs },
      singleValued: input.singleValued ?? false,
      sourceIds: input.sourceIds ?? [],
      confidence: input.confidence ?? null,
      metadata: asJson(input.metadata ?? {}),
      recordedAtMs: nowMs,
      folded: foldedNames(input),
      turn: this.#turn,
    };
  }

  /** The facts, then their names: a name without a fact finds nothing, and a repeat writes what is missing. */
  async #write(namespace: string, fresh: readonly Fact[]): Promise<string[]> {
    const { store, turns } = this.#deps;
    const puts: DocumentChange[] = [];
    const names = new Set<string>();
    for (const fact of fresh) {
      puts.push({ op: 'put', document: factDocument(fact), ifVersion: null });
      for (const term of nameTerms(fact)) names.add(term);
      if (puts.length % FACTS_PER_TURN === 0) await turns.next();
    }
    const terms = [...names];
    const known = await store.documents(namespace, FACT_NAME_KIND, terms);
    const missing = terms.filter((_, place) => (known[place] ?? null) === null);
    const changes: DocumentChange[] = [
      ...puts,
      ...missing.map((term) => ({ op: 'put', document: nameDocument(namespace, term), ifVersion: null }) as const),
    ];
    if (changes.length === 0) return [];
    const results = await store.writeDocuments(changes);
    return fresh.flatMap(({ id }, place) => {
      const result = results[place];
      return result?.op === 'put' && result.written ? [id] : [];
    });
  }

  /** Somebody put the id at the same moment. */
  async #checkLost(draft: Fact, place: number, inputs: readonly FactInput[]): Promise<void> {
    const [found] = await this.#deps.store.documents(draft.namespace, FACT_KIND, [draft.id]);
    const input = inputs.find(({ id }) => id === draft.id);
    if (found !== undefined && found !== null && input !== undefined) checkSame(factOf(found), draft, input, place);
  }

  async #told(
    namespace: string,
    ids: readonly string[],
    created: Set<string>,
    signal: AbortSignal | undefined,
  ): Promise<PutFact[]> {
    const { store, turns } = this.#deps;
    const stored = await store.documents(namespace, FACT_KIND, ids);
    const relations = new Relations(store, new Succession({ store, namespace, signal: undefined }));
    const told: PutFact[] = [];
    for (const [place, id] of ids.entries()) {
      const document = stored[place];
      // Whoever deleted it at once has the last word.
      const isGone = document === undefined || document === null || signal?.aborted === true;
      const related = isGone ? { superseded: [], conflicts: [] } : await relations.of(factOf(document));
      told.push({ id, created: created.delete(id), ...related });
      if (told.length % FACTS_PER_TURN === 0) await turns.next();
    }
    return told;
  }

  /** Terms of the names that stand in the question, the longest first; none that lies within another. */
  async #namesIn(question: string, { namespace, agentId }: FactScope, signal: AbortSignal | undefined) {
    const names = possibleNames(question);
    const terms = names.map((name) => factTerm(agentId, 'name', name));
    const known = await orAbort(this.#deps.store.documents(namespace, FACT_NAME_KIND, terms), signal);
    const found: string[] = [];
    return terms.filter((_, place) => {
      const name = names[place] as string;
      const isNew = known[place] !== null && known[place] !== undefined && found.length < NAMES_MAX;
      if (!isNew || found.some((longer) => ` ${longer} `.includes(` ${name} `))) return false;
      found.push(name);
      return true;
    });
  }
}

function wantedNames({ subject, predicate, object }: ListFactsInput): [keyof Fact['folded'], string][] {
  const given = Object.entries({ subject, predicate, object }) as [keyof Fact['folded'], string | undefined][];
  return given.flatMap(([field, name]) => (name === undefined ? [] : [[field, foldName(name)]]));
}

/** What is looked for by one term; what it finds beside what is meant is passed over. */
function termFor(agentId: string | undefined, names: readonly [keyof Fact['folded'], string][]): string | undefined {
  const { subject, predicate, object } = Object.fromEntries(names) as Partial<Fact['folded']>;
  if (subject !== undefined && predicate !== undefined) return factTerm(agentId, 'group', subject, predicate);
  if (subject !== undefined) return factTerm(agentId, 'subject', subject);
  if (object !== undefined) return factTerm(agentId, 'object', object);
  return predicate === undefined ? undefined : factTerm(agentId, 'predicate', predicate);
}

/** Throws `CONFLICT` where the id says something else. */
function checkSame(known: Fact, draft: Fact, input: FactInput, place: number): void {
  const said = (fact: Fact): unknown[] => [
    ...[fact.agentId, fact.subject, fact.predicate, fact.object, fact.validUntilMs, fact.singleValued],
    ...[fact.sourceIds, fact.confidence, fact.metadata, input.validFromMs === undefined ? null : fact.validFromMs],
  ];
  if (isSameJson(said(known), said(draft))) return;
  throw new CodedError('CONFLICT', 'the id belongs to another fact', { details: { field: `/facts/${place}/id` } });
}

function asJson(metadata: JsonObject): JsonObject {
  return JSON.parse(JSON.stringify(metadata)) as JsonObject;
}

// Facts as documents: their order is when they began to hold, and their terms are what they are looked for by.

import { hash } from 'node:crypto';
import type { JsonObject } from '../../base/context.ts';
import type { StoredDocument } from '../../store/documents.ts';
import { nameWords } from './name-words.ts';
import { foldedNames, groupOf, type Fact, type FactGroup } from './fact.ts';

export const FACT_KIND = 'fact';
/** Says that there was a fact about a name, and nothing else; its key is a term. */
export const FACT_NAME_KIND = 'fact_name';

/** Characters of a term: 96 bits of a digest, which no two of a namespace share. */
const TERM_CHARS = 16;

/** What a term looks for: a subject, a predicate, an object, a subject with a predicate, or a name on either side. */
type Role = 'subject' | 'predicate' | 'object' | 'group' | 'name' | 'single';

/** `agentId` undefined: every agent's. Names are folded, in the order subject, predicate, object. */
export function factTerm(agentId: string | undefined, role: Role, ...names: readonly string[]): string {
  const text = JSON.stringify([agentId ?? null, role, ...names]);
  return hash('sha256', text, 'base64url').slice(0, TERM_CHARS);
}

/** Of the facts that may end others of their group. */
export function singleTerm({ agentId, subject, predicate }: FactGroup): string {
  return factTerm(agentId, 'single', subject, predicate);
}

/** Terms of the names on its two sides, as questions name them. */
export function nameTerms({ agentId, subject, object }: Fact): string[] {
  const names = [nameWords(subject), nameWords(object)].filter((name) => name !== null);
  return [...new Set([agentId, undefined].flatMap((agent) => names.map((name) => factTerm(agent, 'name', name))))];
}

export function factDocument(fact: Fact): StoredDocument {
  const { id, namespace, agentId, validFromMs } = fact;
  return {
    namespace,
    kind: FACT_KIND,
    key: id,
    owner: agentId,
    order: validFromMs,
    terms: termsOf(fact),
    version: 1,
    body: {
      subject: fact.subject,
      predicate: fact.predicate,
      object: fact.object,
      recorded_at: fact.recordedAtMs,
      turn: fact.turn,
      ...(fact.validUntilMs !== null && { valid_until: fact.validUntilMs }),
      ...(fact.singleValued && { single_valued: true }),
      ...(fact.sourceIds.length > 0 && { source_ids: [...fact.sourceIds] }),
      ...(fact.confidence !== null && { confidence: fact.confidence }),
      ...(Object.keys(fact.metadata).length > 0 && { metadata: fact.metadata }),
    },
  };
}

interface FactBody {
  readonly subject: string;
  readonly predicate: string;
  readonly object: string;
  readonly recorded_at: number;
  readonly turn: number;
  readonly valid_until?: number;
  readonly single_valued?: boolean;
  readonly source_ids?: readonly string[];
  readonly confidence?: number;
  readonly metadata?: JsonObject;
}

export function factOf({ namespace, key, owner, order, body }: StoredDocument): Fact {
  const fields = body as unknown as FactBody;
  return {
    id: key,
    namespace,
    agentId: owner,
    subject: fields.subject,
    predicate: fields.predicate,
    object: fields.object,
    validFromMs: order,
    validUntilMs: fields.valid_until ?? null,
    singleValued: fields.single_valued ?? false,
    sourceIds: fields.source_ids ?? [],
    confidence: fields.confidence ?? null,
    metadata: fields.metadata ?? {},
    folded: foldedNames(fields),
    recordedAtMs: fields.recorded_at,
    turn: fields.turn,
  };
}

export function nameDocument(namespace: string, key: string): StoredDocument {
  return { namespace, kind: FACT_NAME_KIND, key, owner: '', order: 0, version: 1, body: {} };
}

function termsOf(fact: Fact): string[] {
  const group = groupOf(fact);
  const { subject, predicate, object } = fact.folded;
  const found = [fact.agentId, undefined].flatMap((agent) => [
    factTerm(agent, 'subject', subject),
    factTerm(agent, 'predicate', predicate),
    factTerm(agent, 'object', object),
    factTerm(agent, 'group', subject, predicate),
  ]);
  return [...found, ...nameTerms(fact), ...(fact.singleValued ? [singleTerm(group)] : [])];
}

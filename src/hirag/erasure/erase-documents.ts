// Documents of a namespace that go with an erasure: sessions with their cards, and facts.

import type { ContextRecord } from '../../base/context.ts';
import { allDocuments, type DocumentScan, type StoredDocument } from '../../store/documents.ts';
import { filterMatcher } from '../../store/filter-match.ts';
import type { ContextStore } from '../../store/store.ts';
import { FACT_KIND, FACT_NAME_KIND, factOf } from '../facts/fact-document.ts';
import { forgetNames } from '../facts/forget-names.ts';
import { CARD_IDS_KIND, CARD_KIND, SESSION_KIND, type SessionBody, sessionKey } from '../window/session-body.ts';
import type { EraseInput } from './types.ts';

/** In one write. */
const AT_ONCE = 100;
/** Waited for between two writes, to let it be ended. */
export type Checkpoint = () => Promise<void>;

interface Reach {
  readonly store: ContextStore;
  readonly namespace: string;
  readonly checkpoint: Checkpoint;
}

/** All of a kind, or of an owner: how many there were. */
async function eraseKind({ store, namespace, checkpoint }: Reach, kind: string, owner?: string): Promise<number> {
  let count = 0;
  for await (const page of pages(store, { namespace, kind, ...(owner !== undefined && { owner }) })) {
    await checkpoint();
    await store.writeDocuments(page.map(({ key }) => ({ op: 'delete', namespace, kind, key })));
    count += page.length;
  }
  return count;
}

/** Cards before the sessions that lead to them: a kill in between leaves what a repeat finds. */
export async function eraseSessions(
  reach: Reach,
  agentId: string | undefined,
): Promise<{ readonly sessions: number; readonly cards: number }> {
  const { store, namespace } = reach;
  if (agentId === undefined) {
    await eraseKind(reach, CARD_IDS_KIND);
    const cards = await eraseKind(reach, CARD_KIND);
    return { cards, sessions: await eraseKind(reach, SESSION_KIND) };
  }
  let cards = 0;
  let sessions = 0;
  for await (const page of pages(store, { namespace, kind: SESSION_KIND, owner: agentId })) {
    for (const { key, body } of page) {
      const owner = sessionKey(agentId, (body as unknown as SessionBody).sessionId);
      await eraseKind(reach, CARD_IDS_KIND, owner);
      cards += await eraseKind(reach, CARD_KIND, owner);
      await store.writeDocuments([{ op: 'delete', namespace, kind: SESSION_KIND, key }]);
      sessions += 1;
    }
  }
  return { cards, sessions };
}

export async function eraseFacts(reach: Reach, agentId: string | undefined): Promise<number> {
  if (agentId === undefined) {
    const facts = await eraseKind(reach, FACT_KIND);
    await eraseKind(reach, FACT_NAME_KIND);
    return facts;
  }
  return eraseEachFact(reach, { owner: agentId }, () => Promise.resolve(new Set<string>()));
}

/** Those that say that a context is their source which is about to go. To be called while it is there. */
export async function eraseFactsOf(reach: Reach, input: EraseInput): Promise<number> {
  const { store, namespace } = reach;
  const matches = matcherOf(input);
  return eraseEachFact(reach, {}, async (page) => {
    const sources = [...new Set(page.flatMap((document) => factOf(document).sourceIds))];
    const going = new Set<string>();
    for (let from = 0; from < sources.length; from += AT_ONCE)
      for (const record of await store.fetch(namespace, sources.slice(from, from + AT_ONCE), 0))
        if (record !== null && matches(record)) going.add(record.id);
    return new Set(page.filter((one) => !factOf(one).sourceIds.some((id) => going.has(id))).map(({ key }) => key));
  });
}

/** `kept`: keys of those of a page that stay. */
async function eraseEachFact(
  { store, namespace, checkpoint }: Reach,
  scan: Pick<DocumentScan, 'owner'>,
  kept: (page: readonly StoredDocument[]) => Promise<ReadonlySet<string>>,
): Promise<number> {
  let count = 0;
  for await (const page of pages(store, { namespace, kind: FACT_KIND, ...scan })) {
    await checkpoint();
    const staying = await kept(page);
    const going = page.filter(({ key }) => !staying.has(key));
    await store.writeDocuments(going.map(({ key }) => ({ op: 'delete', namespace, kind: FACT_KIND, key })));
    for (const document of going) await forgetNames(store, factOf(document));
    count += going.length;
  }
  return count;
}

export async function countDocuments(
  store: ContextStore,
  namespace: string,
  agentId: string | undefined,
): Promise<{ readonly sessions: number; readonly cards: number; readonly facts: number }> {
  const counts = { sessions: 0, cards: 0, facts: 0 };
  const owner = agentId === undefined ? {} : { owner: agentId };
  for await (const page of pages(store, { namespace, kind: FACT_KIND, ...owner })) counts.facts += page.length;
  for await (const page of pages(store, { namespace, kind: SESSION_KIND, ...owner }))
    for (const { body } of page) {
      counts.sessions += 1;
      counts.cards += (body as unknown as SessionBody).cards;
    }
  return counts;
}

function matcherOf({ agentId, filter, id }: EraseInput): (record: ContextRecord) => boolean {
  if (filter !== undefined) return filterMatcher(filter);
  return (record) => (agentId === undefined || record.agentId === agentId) && (id === undefined || record.id === id);
}

function pages(store: ContextStore, scan: Pick<DocumentScan, 'namespace' | 'kind' | 'owner'>) {
  return allDocuments((request) => store.scanDocuments(request), { ...scan, descending: false, limit: AT_ONCE });
}

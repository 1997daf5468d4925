// Whether all that a copy holds is there: read to the last context, and asked for some by their own words and vectors.

import { analyze } from '../../base/text/analyzer.ts';
import type { GenericStore } from '../generic/generic-store.ts';
import { walkStore, type WholeContext } from '../generic/walk-store.ts';
import type { NamespaceCounts } from '../store.ts';
import { DamagedSnapshot } from '../snapshot/damaged-snapshot.ts';
import type { Rehearsal } from '../snapshot/snapshot-driver.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';

const CONTEXTS_A_PAGE = 200;
/** Namespaces that are asked questions; all are read. */
const ASKED_NAMESPACES = 10;
const TERMS_MAX = 8;
/** Copies of one text may stand before a context in its own answer. */
const CANDIDATES = 50;

/** Rejects with `DamagedSnapshot` where anything of `expected` is missing or is not what was written. */
export async function readEverything(
  { path }: Pick<Snapshot, 'path'>,
  store: GenericStore,
  expected: readonly NamespaceCounts[],
): Promise<Rehearsal> {
  let contexts = 0;
  let queries = 0;
  for (const [place, { namespace, counts }] of expected.entries()) {
    let found = 0;
    let asked: WholeContext | undefined;
    try {
      for await (const page of walkStore(store.driver, { namespace, contextsMax: CONTEXTS_A_PAGE })) {
        found += page.length;
        asked ??= page.find(({ unembedded }) => unembedded === undefined);
      }
    } catch (error) {
      throw new DamagedSnapshot(path, `not all contexts of the namespace ${namespace} can be read`, error);
    }
    if (found !== counts.immediate + counts.short_term + counts.long_term)
      throw new DamagedSnapshot(path, `contexts of the namespace ${namespace} are missing`);
    contexts += found;
    if (asked === undefined || place >= ASKED_NAMESPACES) continue;
    if (!(await isFound(store, asked))) throw new DamagedSnapshot(path, `a query does not find what is there`);
    queries++;
  }
  return { contexts, queries };
}

/** By its own words and vector, at the moment that it was stored: its lifetime may be over by now. */
async function isFound(store: GenericStore, { record, vector }: WholeContext): Promise<boolean> {
  const { candidates } = await store.search({
    namespace: record.namespace,
    levels: [record.level],
    includeSessionless: true,
    vector,
    terms: [...new Set(analyze(record.text))].slice(0, TERMS_MAX).map((term) => ({ term, weight: 1 })),
    names: [],
    denseSamples: 0,
    candidates: CANDIDATES,
    neighbours: 0,
    nowMs: record.createdAtMs,
  });
  const ids = Array.from({ length: candidates.ids.length }, (_, place) => candidates.ids.at(place));
  return ids.includes(record.id) || ids.length >= CANDIDATES;
}

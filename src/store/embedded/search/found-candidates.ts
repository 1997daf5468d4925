// From the documents that a search has found to what crosses the thread border.

import { CandidateColumns, DIRECT_FLAG, flagsOfTraits, NOBODY } from '../../candidates.ts';
import type { DocumentTable } from '../memory/document-table.ts';
import type { NamespaceIndex } from '../memory/namespace-index.ts';
import type { WireCandidates, WireSearch } from '../border/messages.ts';
import type { FoundDocuments } from './found-documents.ts';
import type { Neighbours } from './neighbours.ts';
import type { QueryTerms } from './query-terms.ts';

export function packCandidates(
  index: NamespaceIndex,
  request: WireSearch,
  terms: QueryTerms,
  found: FoundDocuments,
  neighbours: Neighbours,
): WireCandidates {
  const { documents } = index;
  const { count, ordinals } = found;
  const { termScores, sums } = terms.scores(ordinals);
  const columns = new CandidateColumns(count, terms.columns.count);
  columns.termScores.set(termScores);
  columns.lexical.set(sums);
  columns.dense.set(found.dense);
  const asked = { names: new Set(request.names), dates: request.dates };
  const outside = new OutsideNeighbours(found);
  const { namesNeighbours } = request;
  // Nothing is lent where there are no words.
  const areLinked = request.terms.length > 0;
  for (let place = 0; place < count; place++) {
    const ordinal = ordinals[place] as number;
    columns.accessCounts[place] = documents.accessCounts[ordinal] as number;
    columns.tokenCounts[place] = documents.tokenCounts[ordinal] as number;
    if (!areLinked) {
      columns.previous[place] = NOBODY;
      columns.next[place] = NOBODY;
    } else if (namesNeighbours) {
      columns.previous[place] = outside.placeOf(neighbours.before(place));
      columns.next[place] = outside.placeOf(neighbours.after(place));
    } else {
      columns.previous[place] = neighbours.foundBefore(place);
      columns.next[place] = neighbours.foundAfter(place);
    }
    columns.levels[place] = (documents.levels[ordinal] as number) - 1;
    const createdAtMs = documents.createdAtMs[ordinal] as number;
    const { sessionId } = documents.ownerOf(ordinal);
    columns.createdAtMs[place] = createdAtMs;
    columns.flags[place] =
      flagsOfTraits(documents.traitsOf(ordinal), { createdAtMs, sessionId }, asked) |
      (found.direct[place] === true ? DIRECT_FLAG : 0);
  }
  return {
    count,
    termCount: columns.termCount,
    columns: columns.buffer,
    ...packIds(documents, [...ordinals, ...outside.ordinals]),
  };
}

/** One string crosses the border in the time of a few, and is cut only where an id is looked at. */
function packIds({ ids }: DocumentTable, ordinals: readonly number[]): Pick<WireCandidates, 'ids' | 'idEnds'> {
  const idEnds = new Uint32Array(ordinals.length);
  let packed = '';
  ordinals.forEach((ordinal, place) => {
    packed += ids[ordinal] as string;
    idEnds[place] = packed.length;
  });
  return { ids: packed, idEnds };
}

/** Gives places behind those of the candidates to contexts that are only named as the one before or after. */
class OutsideNeighbours {
  readonly ordinals: number[] = [];
  readonly #found: FoundDocuments;
  readonly #places = new Map<number, number>();

  constructor(found: FoundDocuments) {
    this.#found = found;
  }

  placeOf(ordinal: number): number {
    if (ordinal === NOBODY) return NOBODY;
    const found = this.#found.placeOf(ordinal);
    if (found >= 0) return found;
    let place = this.#places.get(ordinal);
    if (place === undefined) {
      place = this.#found.count + this.ordinals.push(ordinal) - 1;
      this.#places.set(ordinal, place);
    }
    return place;
  }
}

import type { DocumentStore } from '../../store/documents.ts';
import { compareFacts, groupKey, groupOf, overlap, type Fact, type HeldFact } from './fact.ts';
import { FACT_KIND, factOf, factTerm } from './fact-document.ts';
import type { Succession } from './succession.ts';

/** Facts told of each kind. */
export const RELATED_MAX = 64;
/** Of a group, so many of those that began last are looked at, and of a larger one so many that began before a fact. */
const GROUP_MAX = 256;
const BEFORE_MAX = 64;

interface Group {
  readonly held: readonly HeldFact[];
  readonly isWhole: boolean;
}

interface Start {
  readonly limit: number;
  readonly from?: number;
}

export interface Related {
  readonly superseded: readonly string[];
  readonly conflicts: readonly string[];
}

/** What facts that were put make of others of their groups. For one request. */
export class Relations {
  readonly #store: Pick<DocumentStore, 'scanDocuments'>;
  readonly #succession: Succession;
  readonly #groups = new Map<string, Promise<Group>>();

  constructor(store: Pick<DocumentStore, 'scanDocuments'>, succession: Succession) {
    this.#store = store;
    this.#succession = succession;
  }

  async of(fact: Fact): Promise<Related> {
    const [own] = (await this.#succession.held([fact])) as [HeldFact];
    const key = groupKey(groupOf(fact));
    const group = await (this.#groups.get(key) ?? this.#read(key, fact));
    const others = group.held.filter((other) => isOther(fact, other));
    const earlier = group.isWhole || !fact.singleValued ? others : await this.#before(fact);
    return {
      superseded: earlier
        .filter(({ supersededBy }) => supersededBy === fact.id)
        .map(idOf)
        .slice(0, RELATED_MAX),
      conflicts: others
        .filter((other) => overlap(own, other))
        .map(idOf)
        .slice(0, RELATED_MAX),
    };
  }

  #read(key: string, fact: Fact): Promise<Group> {
    const group = this.#scan(fact, { limit: GROUP_MAX });
    this.#groups.set(key, group);
    return group;
  }

  /** Those that began before it, as there are too many behind it. */
  async #before(fact: Fact): Promise<HeldFact[]> {
    const { held } = await this.#scan(fact, { limit: BEFORE_MAX, from: fact.validFromMs });
    return held.filter((other) => isOther(fact, other) && compareFacts(other.fact, fact) < 0);
  }

  async #scan({ namespace, agentId, folded: { subject, predicate } }: Fact, start: Start): Promise<Group> {
    const term = factTerm(agentId, 'group', subject, predicate);
    const page = await this.#store.scanDocuments({ namespace, kind: FACT_KIND, term, descending: true, ...start });
    return { held: await this.#succession.held(page.documents.map(factOf)), isWhole: page.next === undefined };
  }
}

function isOther(fact: Fact, { fact: other }: HeldFact): boolean {
  return other.folded.object !== fact.folded.object;
}

function idOf({ fact }: HeldFact): string {
  return fact.id;
}

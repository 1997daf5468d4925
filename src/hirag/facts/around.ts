import { foldName } from '../../base/text/names.ts';
import type { DocumentStore } from '../../store/documents.ts';
import { compareFacts, type HeldFact } from './fact.ts';
import { factTerm } from './fact-document.ts';
import { factBytes, scanFacts } from './fact-scan.ts';
import { Succession } from './succession.ts';
import type { Around, AroundInput, EntityAround, FactAround } from './types.ts';

/** Names whose facts are looked for, and facts looked at on each side of one. */
const ENTITIES_MAX = 256;
const SCANNED_MAX = 512;
/** Names looked for at once. */
const AT_ONCE = 8;
/** Beyond the first ring a name with many facts leaves room for the others; so many each one may have. */
const SHARE_MIN = 8;

interface Deps {
  readonly store: DocumentStore;
  readonly asOfMs: number;
  readonly signal?: AbortSignal | undefined;
}

/** Ring by ring: the facts about a name, then those about the names that these lead to. */
export async function factsAround(input: AroundInput, deps: Deps): Promise<Around> {
  const search = new AroundSearch(input, deps);
  let ring = [foldName(input.entity)];
  for (let distance = 1; distance <= input.depth && ring.length > 0; distance++)
    ring = await search.ring(ring, distance);
  return search.result();
}

class AroundSearch {
  readonly #input: AroundInput;
  readonly #deps: Deps;
  readonly #succession: Succession;
  readonly #facts = new Map<string, FactAround>();
  readonly #entities = new Map<string, EntityAround>();
  #asked = 0;
  #bytes = 0;
  #truncated = false;

  constructor(input: AroundInput, deps: Deps) {
    const { namespace, knownAtMs } = input;
    this.#input = input;
    this.#deps = deps;
    this.#succession = new Succession({ store: deps.store, namespace, knownAtMs, signal: deps.signal });
  }

  /** The names that come next. */
  async ring(names: readonly string[], distance: number): Promise<string[]> {
    const next: string[] = [];
    for (let at = 0; at < names.length; at += AT_ONCE) {
      const room = this.#input.limit - this.#facts.size;
      const asked = names.slice(at, Math.min(at + AT_ONCE, at + ENTITIES_MAX - this.#asked));
      if (room <= 0 || asked.length === 0) {
        this.#truncated = true;
        return [];
      }
      this.#asked += asked.length;
      const share = distance === 1 ? room : Math.max(SHARE_MIN, Math.ceil(room / (names.length - at)));
      const found = await Promise.all(asked.map((name) => this.#about(name, share)));
      for (const [i, held] of found.entries())
        for (const one of held) this.#take(asked[i] as string, one, distance, next);
    }
    return next;
  }

  result(): Around {
    return { facts: [...this.#facts.values()], entities: [...this.#entities.values()], truncated: this.#truncated };
  }

  #take(from: string, held: HeldFact, distance: number, next: string[]): void {
    const { fact } = held;
    if (this.#facts.has(fact.id)) return;
    const bytes = factBytes(fact);
    const isFull = this.#facts.size >= this.#input.limit || this.#bytes + bytes > this.#input.bytesMax;
    if (isFull && this.#facts.size > 0) {
      this.#truncated = true;
      return;
    }
    this.#bytes += bytes;
    this.#facts.set(fact.id, { held, distance });
    const sides = [
      { folded: fact.folded.subject, name: fact.subject },
      { folded: fact.folded.object, name: fact.object },
    ].sort((a, b) => Number(b.folded === from) - Number(a.folded === from));
    for (const { folded, name } of sides) {
      if (this.#entities.has(folded)) continue;
      this.#entities.set(folded, { name, distance: folded === from ? distance - 1 : distance });
      if (folded !== from) next.push(folded);
    }
  }

  /** Those that began last first. */
  async #about(name: string, limit: number): Promise<HeldFact[]> {
    const { agentId } = this.#input;
    const sides = await Promise.all([
      this.#scan(factTerm(agentId, 'subject', name), limit),
      this.#scan(factTerm(agentId, 'object', name), limit),
    ]);
    const found = new Map(sides.flat().map((held) => [held.fact.id, held]));
    if (found.size > limit) this.#truncated = true;
    return [...found.values()].sort((a, b) => compareFacts(b.fact, a.fact)).slice(0, limit);
  }

  async #scan(term: string, limit: number): Promise<readonly HeldFact[]> {
    const { namespace, agentId, knownAtMs, includePast = false, bytesMax } = this.#input;
    const { facts, next } = await scanFacts({
      ...this.#deps,
      ...{ namespace, agentId, term, knownAtMs, includePast, limit, bytesMax },
      succession: this.#succession,
      isMeant: () => true,
      scannedMax: SCANNED_MAX,
    });
    if (next !== undefined) this.#truncated = true;
    return facts;
  }
}

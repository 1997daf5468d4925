import { ContextManagerError, type Client, type Context } from '../../../clients/typescript/src/index.ts';
import { uuidV4 } from '../../../src/base/random.ts';
import type { SeededRandom } from '../seeded-random.ts';
import type { Acknowledger, Findings } from './findings.ts';

/** Beyond it old ones are deleted: what is checked after a kill stays the same amount, however long it goes on. */
const CONTEXTS_MAX = 700;
const BATCH_MAX = 8;
const FILLER = 'harbour lights and rain '.repeat(80);
const CALL = { timeoutMs: 60_000 };
/** Of those that did not change since the last check, so many are asked for by their words. */
const SEARCHED_MAX = 20;

/** What an update may change, and what tells how often one was made. */
interface Known {
  readonly text: string;
  /** Nobody else's text has it. */
  readonly word: string;
  readonly turn: number;
  readonly version: number;
}

type Step =
  | { readonly op: 'store'; readonly contexts: ReadonlyMap<string, Known>; readonly supersedes: string | null }
  | { readonly op: 'update'; readonly id: string; readonly to: Known }
  | { readonly op: 'delete'; readonly ids: readonly string[] };

/**
 * Stores, updates and deletes contexts of its own until its server dies. What was under way then comes again to the next
 * one as it was, or is taken as the check has found it.
 */
export class ContextWriter implements Acknowledger {
  readonly #agentId: string;
  readonly #random: SeededRandom;
  readonly #live = new Map<string, Known>();
  readonly #gone = new Set<string>();
  /** Those that are superseded by the one that does so. */
  readonly #successors = new Map<string, string>();
  /** Changed since the last check. */
  readonly #changed = new Set<string>();
  #unanswered: Step | null = null;
  #turn = 0;

  constructor(agentId: string, random: SeededRandom) {
    this.#agentId = agentId;
    this.#random = random;
  }

  /** How many there must be, by the last check. */
  get size(): number {
    return this.#live.size;
  }

  /** Of those that are there. */
  ids(): string[] {
    return [...this.#live.keys()];
  }

  /** Of those that are there no more. */
  goneIds(): string[] {
    return [...this.#gone];
  }

  async work(client: Client, findings: Findings): Promise<void> {
    for (;;) {
      this.#unanswered ??= this.#next();
      await this.#make(client, this.#unanswered, findings);
      this.#unanswered = null;
    }
  }

  async #make(client: Client, step: Step, findings: Findings): Promise<void> {
    if (step.op === 'store') {
      const contexts = [...step.contexts].map(([id, { text, turn }]) => this.#newContext(id, text, turn));
      const [first] = contexts;
      if (first === undefined) return;
      if (contexts.length > 1) {
        const { results } = await client.storeBatch({ contexts }, CALL);
        const failed = results.find((result) => !('id' in result));
        if (failed !== undefined) throw new Error(`a context was refused: ${JSON.stringify(failed)}`);
      } else await client.store(step.supersedes === null ? first : { ...first, supersedes: [step.supersedes] }, CALL);
      this.#stored(step);
      findings.count('store', contexts.length);
    } else if (step.op === 'update') {
      const { text, turn, version } = step.to;
      try {
        await client.update({ id: step.id, text, metadata: { turn }, if_version: version - 1 }, CALL);
      } catch (error) {
        // Made by the server before this one, which had no time to say so: the check has seen it.
        if (!(error instanceof ContextManagerError && error.code === 'CONFLICT')) throw error;
      }
      this.#live.set(step.id, step.to);
      this.#changed.add(step.id);
      findings.count('update');
    } else {
      for (const id of step.ids) {
        await client.delete({ id }, CALL);
        this.#forget(id);
        findings.count('delete');
      }
    }
  }

  #newContext(id: string, text: string, turn: number) {
    const level = turn % 3 === 0 ? ('short_term' as const) : ('long_term' as const);
    return { id, agent_id: this.#agentId, level, text, metadata: { turn } };
  }

  /** `there`: those of them that are; by default all. */
  #stored(step: Extract<Step, { op: 'store' }>, there: (id: string) => boolean = () => true): void {
    for (const [id, known] of step.contexts) {
      if (!there(id)) continue;
      this.#live.set(id, known);
      this.#changed.add(id);
      if (step.supersedes !== null) this.#successors.set(step.supersedes, id);
    }
  }

  #forget(id: string): void {
    this.#live.delete(id);
    this.#gone.add(id);
    this.#changed.add(id);
    this.#successors.delete(id);
    for (const [superseded, successor] of this.#successors) if (successor === id) this.#successors.delete(superseded);
  }

  #next(): Step {
    const live = [...this.#live.keys()];
    if (live.length > CONTEXTS_MAX) return { op: 'delete', ids: live.slice(0, 1 + this.#random.below(BATCH_MAX)) };
    if (live.length > 0 && this.#random.chance(0.15)) return { op: 'delete', ids: [this.#random.pick(live)] };
    if (live.length > 0 && this.#random.chance(0.4)) {
      const id = this.#random.pick(live);
      const { version } = this.#live.get(id) as Known;
      return { op: 'update', id, to: this.#known(version + 1) };
    }
    const count = this.#random.chance(0.2) ? 2 + this.#random.below(BATCH_MAX) : 1;
    const contexts = new Map(Array.from({ length: count }, () => [uuidV4(this.#random), this.#known(1)]));
    const free = live.filter((id) => !this.#successors.has(id));
    const supersedes = count === 1 && free.length > 0 && this.#random.chance(0.3) ? this.#random.pick(free) : null;
    return { op: 'store', contexts, supersedes };
  }

  #known(version: number): Known {
    const turn = this.#turn++;
    const word = `${this.#agentId}x${turn}x${Buffer.from(this.#random.bytes(4)).toString('hex')}`;
    const text =
      `${word} ${FILLER.slice(0, this.#random.below(this.#random.chance(0.1) ? FILLER.length : 200))}`.trim();
    return { text, word, turn, version };
  }

  async check(client: Client, findings: Findings): Promise<void> {
    const found = new Map<string, Context>();
    for await (const context of client.list({ agent_id: this.#agentId, include_past: true, limit: 1000 })) {
      if (found.has(context.id)) findings.add('doubled', this.#told(context.id));
      found.set(context.id, context);
    }
    this.#settle(found);
    for (const [id, known] of this.#live) {
      const context = found.get(id);
      if (context === undefined) findings.add('lost', this.#told(id));
      else this.#compare(context, known, findings);
    }
    for (const id of found.keys()) {
      if (this.#gone.has(id)) findings.add('resurrected', this.#told(id));
      else if (!this.#live.has(id)) findings.add('doubled', `${this.#told(id)}, which nobody stored`);
    }
    await this.#search(client, findings);
    this.#changed.clear();
  }

  /** What was under way is half of the time what it was found to be; else it is made again as it was. */
  #settle(found: ReadonlyMap<string, Context>): void {
    const step = this.#unanswered;
    if (step === null) return;
    if (step.op === 'store') {
      this.#stored(step, (id) => found.has(id));
    } else if (step.op === 'update') {
      if (found.get(step.id)?.version === step.to.version) this.#live.set(step.id, step.to);
      this.#changed.add(step.id);
    } else for (const id of step.ids) if (!found.has(id)) this.#forget(id);
    if (this.#random.chance(0.5)) this.#unanswered = null;
  }

  #compare({ id, text, metadata, version, superseded_by: successor }: Context, known: Known, findings: Findings): void {
    if (version < known.version) findings.add('lost', `update ${known.version} of ${this.#told(id)}`);
    else if (version > known.version) findings.add('doubled', `an update of ${this.#told(id)}: ${version}`);
    else if (text !== known.text || metadata['turn'] !== known.turn) findings.add('torn', this.#told(id));
    const expected = this.#successors.get(id);
    if (successor === expected) return;
    if (successor === undefined) findings.add('lost', `what supersedes ${this.#told(id)}`);
    else findings.add('resurrected', `${successor}, which supersedes ${this.#told(id)}`);
  }

  /** The index of words has what the rows have. */
  async #search(client: Client, findings: Findings): Promise<void> {
    const others = [...this.#live.keys()].filter((id) => !this.#changed.has(id));
    const some = others.slice(0, SEARCHED_MAX);
    for (const id of [...this.#changed, ...some]) {
      const known = this.#live.get(id);
      if (known === undefined) continue;
      const { contexts } = await client.query({
        query: known.word,
        agent_id: this.#agentId,
        limit: 3,
        include_past: true,
      });
      if (!contexts.some((context) => context.id === id)) findings.add('lost', `the words of ${this.#told(id)}`);
      for (const { id: one } of contexts)
        if (this.#gone.has(one)) findings.add('resurrected', `${this.#told(one)}, by its words`);
    }
  }

  #told(id: string): string {
    return `context ${id} of ${this.#agentId}`;
  }
}

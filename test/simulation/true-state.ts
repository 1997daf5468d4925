import type { ContextRecord } from '../../src/base/context.ts';
import { FACT_KIND } from '../../src/hirag/facts/fact-document.ts';
import type { Entry, Model, Succession } from './model.ts';
import { checkComplete, checkSeen, must, presence, PROMISES, type Span } from './promises.ts';
import { NAMESPACES, type World } from './world.ts';

const PAGE = 1_000;

/** What the store really holds, whatever the server says. */
export class TrueState {
  readonly #world: World;
  readonly #model: Model;

  constructor(world: World, model: Model) {
    this.#world = world;
    this.#model = model;
  }

  /** That it is what the clients were told. */
  async check(): Promise<void> {
    const model = this.#model;
    const span = this.#now();
    const held = new Map<Entry, ContextRecord>();
    for (const namespace of NAMESPACES) {
      const found: Entry[] = [];
      for (const record of await this.records(namespace)) {
        const entry = checkSeen(model, record, span, `the store (${namespace})`);
        this.#learn(entry, record);
        held.set(entry, record);
        found.push(entry);
      }
      const own = model.entries.filter((entry) => entry.namespace === namespace);
      checkComplete(found, own, (entry) => presence(entry, span), `the store (${namespace})`);
    }
    for (const entry of model.entries)
      if (entry.expiresAtMs !== null && entry.expiresAtMs <= span.wallMaxMs) entry.wasOver = true;
    this.#checkBatches(held);
    await this.#checkFacts();
  }

  /** Of the facts that were sent those that are there. */
  async factIds({ namespace, facts }: Succession): Promise<ReadonlySet<string>> {
    const ids = facts.map(({ id }) => id);
    const documents = await this.#world.store.real.documents(namespace, FACT_KIND, ids);
    return new Set(ids.filter((_, i) => documents[i] !== null));
  }

  /** Of the living. */
  async records(namespace: string): Promise<ContextRecord[]> {
    const { store, clock } = this.#world;
    const all: ContextRecord[] = [];
    let cursor: string | undefined;
    do {
      const page = await store.real.list({
        namespace,
        limit: PAGE,
        nowMs: clock.nowMs(),
        ...(cursor === undefined ? {} : { cursor }),
      });
      all.push(...page.records);
      cursor = page.cursor;
    } while (cursor !== undefined);
    return all;
  }

  #now(): Span {
    const wallMs = this.#world.clock.nowMs();
    return { since: this.#model.moment, wallMinMs: wallMs, wallMaxMs: wallMs };
  }

  #learn(entry: Entry, { id, createdAtMs, expiresAtMs, expirySetBy }: ContextRecord): void {
    entry.id ??= id;
    entry.createdAtMs ??= createdAtMs;
    const ownEnd = expirySetBy === 'client' ? expiresAtMs : null;
    const endsMs = entry.ttlMs === null ? null : createdAtMs + entry.ttlMs;
    must(ownEnd === endsMs, PROMISES.ends, () => `${entry.mark} ends at ${ownEnd}, not at ${endsMs}`);
    entry.expiresAtMs = endsMs;
  }

  async #checkFacts(): Promise<void> {
    for (const succession of this.#model.successions) {
      const held = await this.factIds(succession);
      const lost = succession.facts.find(({ id, isCertain }) => isCertain && !held.has(id));
      must(lost === undefined, PROMISES.kept, () => `the store lacks the fact ${lost?.id} (${lost?.object})`);
    }
  }

  #checkBatches(held: ReadonlyMap<Entry, ContextRecord>): void {
    for (const { batches, session } of this.#model.conversations)
      for (const { entries } of batches) {
        const count = entries.filter((entry) => held.has(entry)).length;
        must(
          count === 0 || count === entries.length,
          PROMISES.whole,
          () => `of ${entries.map(({ mark }) => mark).join()} in ${session} ${count} are there`,
        );
      }
  }
}

import type { Client, Fact, NewFact } from '../../../clients/typescript/src/index.ts';
import { uuidV4, type Random } from '../../../src/base/random.ts';
import type { Acknowledger, Findings } from './findings.ts';

const START_MS = 1_700_000_000_000;
const CALL = { timeoutMs: 60_000 };
/** Of so many places one is forgotten again. */
const PLACES_PER_DELETE = 4;

type Put = readonly (NewFact & { readonly id: string })[];
type Step = { readonly put: Put } | { readonly forget: string };

/**
 * Moves somebody from place to place, and forgets some that were seen, until the server dies; what was under way then
 * comes again, as it was.
 */
export class Teller implements Acknowledger {
  readonly subject: string;
  readonly acknowledged: Put[] = [];
  readonly #forgotten = new Set<string>();
  readonly #random: Random;
  #unanswered: Step | null = null;

  constructor(subject: string, random: Random) {
    this.subject = subject;
    this.#random = random;
  }

  async work(client: Client, findings: Findings): Promise<void> {
    for (;;) {
      this.#unanswered ??= this.#next();
      const step = this.#unanswered;
      if ('put' in step) {
        await client.facts.put(step.put, {}, CALL);
        this.acknowledged.push(step.put);
        findings.count('fact_put', step.put.length);
      } else {
        await client.facts.delete(step.forget, {}, CALL);
        this.#forgotten.add(step.forget);
        findings.count('fact_delete');
      }
      this.#unanswered = null;
    }
  }

  /** Each put is whole or not there, there is one truth of what holds, and the names are there with the facts. */
  async check(client: Client, findings: Findings): Promise<void> {
    const { subject } = this;
    const listed = (await all(client, subject, { include_past: true })).map(({ id }) => id);
    const known = new Set(listed);
    if (known.size < listed.length) findings.add('doubled', `${subject}: a fact`);
    const step = this.#unanswered;
    const unanswered = step !== null && 'put' in step ? step.put : [];
    const forgetting = step !== null && 'forget' in step ? step.forget : null;
    const half = unanswered.filter(({ id }) => known.has(id));
    if (half.length > 0 && half.length < unanswered.length) findings.add('torn', `${subject}: half of a put`);
    const puts = half.length === 0 ? this.acknowledged : [...this.acknowledged, unanswered];
    const expected = new Set(puts.flatMap((put) => put.map(({ id }) => id)));
    for (const id of expected)
      if (!known.has(id) && !this.#forgotten.has(id) && id !== forgetting)
        findings.add('lost', `${subject}: fact ${id}`);
    for (const id of known) {
      if (this.#forgotten.has(id)) findings.add('resurrected', `${subject}: fact ${id}`);
      else if (!expected.has(id)) findings.add('doubled', `${subject}: fact ${id}, which nobody put`);
    }
    const [moved] = puts.at(-1) ?? [];
    if (moved === undefined) return;
    const holding = (await all(client, subject, { predicate: 'lives in' })).map(({ id }) => id);
    if (holding.length !== 1 || holding[0] !== moved.id) findings.add('torn', `${subject}: lives in ${holding.join()}`);
    const { facts = [] } = await client.query({ query: `where does ${subject} live?`, facts: true });
    if (!facts.some(({ id }) => id === moved.id)) findings.add('lost', `${subject}: the name of fact ${moved.id}`);
  }

  #next(): Step {
    const turn = this.acknowledged.length;
    const seen = this.acknowledged.at(-1)?.[1]?.id;
    if (turn % PLACES_PER_DELETE === PLACES_PER_DELETE - 1 && seen !== undefined && !this.#forgotten.has(seen))
      return { forget: seen };
    const place = `place ${turn}`;
    const { subject } = this;
    const moved = { subject, predicate: 'lives in', object: place, single_valued: true, valid_from: START_MS + turn };
    return {
      put: [
        { id: uuidV4(this.#random), ...moved },
        // Began at the same time: a question is answered with the newest facts, and where somebody lives is one of them.
        { id: uuidV4(this.#random), subject, predicate: 'has seen', object: place, valid_from: START_MS + turn },
      ],
    };
  }
}

async function all(client: Client, subject: string, more: object): Promise<Fact[]> {
  const facts: Fact[] = [];
  for await (const fact of client.facts.list({ subject, limit: 1000, ...more })) facts.push(fact);
  return facts;
}

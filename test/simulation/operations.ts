import type { Clock } from '../../src/base/clock.ts';
import { ContextManagerError, type Client } from '../../clients/typescript/src/index.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { Entry, EntryStart, Model } from './model.ts';
import type { Link } from './network.ts';
import { BrokenPromise, must, PROMISES, type Span } from './promises.ts';
import { RATE, type SimClient, type World } from './world.ts';

/** Codes with which any request may fail while there is trouble: what became of it, nobody can tell. */
const TROUBLE = new Set([
  'TIMEOUT',
  'CONNECTION_LOST',
  'CONNECTION_FAILED',
  'QUEUE_FULL',
  'CLOSED',
  'STORE_UNAVAILABLE',
  'OVERLOADED',
  'SHUTTING_DOWN',
  'DEADLINE_EXCEEDED',
  'RATE_LIMITED',
]);
/** The same of a client whose connections somebody tampers with. */
const TAMPERED = new Set(['AUTH_FAILED', 'PROTOCOL_ERROR', 'BAD_FRAME', 'FRAME_TOO_LARGE', 'UNSUPPORTED_PROTOCOL']);
const VOCABULARY = (
  'walrus penguin lighthouse harbour museum violin glacier orchard pepper saddle canyon magnet feather lantern ' +
  'tunnel basket copper velvet thunder compass meadow anchor bakery cipher dolphin engine forest guitar hammer island'
).split(' ');
const WORDS = 6;

/** A request under way. */
class Operation implements Span {
  readonly number: number;
  readonly what: string;
  readonly client: SimClient;
  readonly since: number;
  readonly #clock: Clock;
  #wallMinMs: number;
  #wallMaxMs: number;

  constructor(number: number, what: string, client: SimClient, since: number, clock: Clock) {
    this.number = number;
    this.what = what;
    this.client = client;
    this.since = since;
    this.#clock = clock;
    this.#wallMinMs = this.#wallMaxMs = clock.nowMs();
  }

  get wallMinMs(): number {
    return Math.min(this.#wallMinMs, this.#clock.nowMs());
  }

  get wallMaxMs(): number {
    return Math.max(this.#wallMaxMs, this.#clock.nowMs());
  }

  sawWall(): void {
    this.#wallMinMs = this.wallMinMs;
    this.#wallMaxMs = this.wallMaxMs;
  }
}

/** What a request is made with. */
export interface Asking {
  readonly world: World;
  readonly model: Model;
  readonly client: SimClient;
  readonly sdk: Client;
  readonly random: SeededRandom;
  readonly namespace: string;
  readonly agent: string;
}

/** Requests under way, and what they found out. */
export class Operations {
  readonly world: World;
  readonly model: Model;
  /** The first that was found broken. */
  broken: { readonly error: Error; readonly what: string } | null = null;
  /** How many were made, by what they are and how they ended. */
  readonly outcomes = new Map<string, number>();
  /** Clocks differ too much now, or did since all requests under way began. */
  isSkewed = false;
  /** Clients whose connections were tampered with since all was quiet. */
  readonly tampered = new Set<string>();
  /** On which what was sent before came again. */
  readonly replayed: Link[] = [];
  readonly #running = new Set<Operation>();
  #started = 0;
  /** Of the client whose key has a rate: answers to requests that were begun since the server started. */
  #rated = { startedMs: 0, answers: 0 };

  constructor(world: World, model: Model) {
    this.world = world;
    this.model = model;
  }

  get runningCount(): number {
    return this.#running.size;
  }

  /** To be called before and after each jump of the server's wall clock. */
  sawWall(): void {
    for (const operation of this.#running) operation.sawWall();
  }

  /** Makes a request and judges what comes of it; errors that fit the trouble there is are none. */
  start(
    what: string,
    client: SimClient,
    random: SeededRandom,
    ask: (asking: Asking, span: Span) => Promise<string>,
  ): void {
    const { world, model } = this;
    const { sdk, plan } = client;
    if (sdk === null) return;
    const operation = new Operation(++this.#started, what, client, model.moment, world.clock);
    this.#running.add(operation);
    world.trace.note(`${plan.name} begins ${operation.number} ${what}`);
    const begunMs = world.clock.monotonicMs();
    const asking = { world, model, client, sdk, random, namespace: plan.namespace, agent: plan.name };
    const outcome = ask(asking, operation).catch((error: unknown) => this.#judge(operation, error));
    void outcome.then((told) => {
      this.#running.delete(operation);
      if (plan.keyId === 'slow' && /^(ok|NOT_FOUND|FORBIDDEN|CONFLICT)/.test(told)) this.#countRated(begunMs, what);
      const [code = ''] = told.split(' ');
      const key = `${what.split(' ')[0]} ${code}`;
      this.outcomes.set(key, (this.outcomes.get(key) ?? 0) + 1);
      world.trace.note(`${plan.name} ends ${operation.number} ${what}: ${told}`);
    });
  }

  fail(error: Error, what: string): void {
    this.broken ??= { error, what };
  }

  /** A bucket is full when the server starts, and answers come later than they were counted. */
  #countRated(begunMs: number, what: string): void {
    const { startedMs, clock } = this.world;
    if (this.#rated.startedMs !== startedMs) this.#rated = { startedMs, answers: 0 };
    if (begunMs < startedMs) return;
    this.#rated.answers += 1;
    const mostOf = RATE.burst + (RATE.perSecond * (clock.monotonicMs() - startedMs)) / 1000;
    const { answers } = this.#rated;
    if (answers <= mostOf) return;
    this.fail(new BrokenPromise(PROMISES.rate, `${answers} answers, at most ${mostOf.toFixed(1)} by then`), what);
  }

  /** Of everything that was asked an answer has come, or none will. */
  #judge({ what, number, client }: Operation, error: unknown): string {
    if (error instanceof ContextManagerError) {
      const { code, message } = error;
      const fits =
        TROUBLE.has(code) ||
        (this.isSkewed && code === 'TIMESTAMP_OUT_OF_RANGE') ||
        (this.tampered.has(client.plan.name) && TAMPERED.has(code));
      if (!fits) this.fail(new BrokenPromise(PROMISES.codes, `${code}: ${message}`), `${number} ${what}`);
      return code;
    }
    this.fail(error as Error, `${number} ${what}`);
    return 'BROKEN';
  }
}

/** A text that no other is like. */
export function textOf(mark: string, number: number, random: SeededRandom): string {
  const words = Array.from({ length: WORDS }, () => random.pick(VOCABULARY));
  return `${mark} n${number} ${words.join(' ')}`;
}

export function uuidOf(random: SeededRandom): string {
  const hex = Buffer.from(random.bytes(16)).toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-7${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20)}`;
}

/** A new entry with its first text, which may come to be. */
export function newEntry(
  { model, random, namespace, agent }: Asking,
  changes: Partial<Omit<EntryStart, 'mark' | 'namespace' | 'agent'>> = {},
): Entry {
  const mark = model.nextMark();
  const entry = model.add(
    { namespace, agent, session: null, id: uuidOf(random), ttlMs: null, supersedes: [], validFromMs: null, ...changes },
    mark,
  );
  entry.addText(textOf(mark, 0, random), 1);
  model.set(entry, [null, 0]);
  return entry;
}

/** It was acknowledged with this text; null: as not there. */
export function settle(model: Model, entry: Entry, state: number | null): void {
  model.set(entry, [state]);
  entry.isTaken = false;
}

/** An error that says why nothing can have come of a request. */
export async function refusalOf(promise: Promise<unknown>): Promise<ContextManagerError | null> {
  try {
    await promise;
    return null;
  } catch (error) {
    if (error instanceof ContextManagerError && !TROUBLE.has(error.code)) return error;
    throw error;
  }
}

export function mustBeRefused(
  error: ContextManagerError | null,
  codes: readonly string[],
  promise: string,
  what: string,
): string {
  must(error !== null, promise, () => `${what} was done`);
  // What the trouble around it explains is for the caller's caller to judge.
  if (!codes.includes(error.code)) throw error;
  return error.code;
}

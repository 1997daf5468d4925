import { CodedError } from '../../src/base/errors.ts';
import type { ContextStore } from '../../src/store/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import type { SeededRandom } from '../support/seeded-random.ts';
import type { Trace } from './trace.ts';

export interface SimStoreDeps {
  readonly clock: FakeClock;
  readonly random: SeededRandom;
  readonly trace: Trace;
}

/** What a test breaks: stands in place of a call, and is given what the call would do. */
export type Sabotage = (method: string, args: readonly unknown[], call: () => Promise<unknown>) => Promise<unknown>;

const WORK_MS_MAX = 12;
const REPLY_MS_MAX = 6;
const SLOW_MS_MAX = 4_000;
/** What does not wait for the store. */
const AT_ONCE = new Set(['placeCursor', 'cursorPlace', 'close']);

/**
 * What a store outlives: a server over it is killed by `kill`, after which what was under way does not begin any more, and nothing
 * is told of what was done. Calls are done in their order and take their time; while there is trouble some fail, with nothing
 * done, and others take seconds.
 */
export class SimStore {
  /** What is there, without delays and faults. */
  readonly real: ContextStore;
  /** Share of calls that fail. */
  failShare = 0;
  /** Share of calls that take long. */
  slowShare = 0;
  sabotage: Sabotage | null = null;
  readonly #deps: SimStoreDeps;
  readonly #underWay = new Set<Promise<unknown>>();
  #generation = 0;
  #lastStartMs = 0;
  #calls = 0;
  #told: Promise<void> = Promise.resolve();

  constructor(real: ContextStore, deps: SimStoreDeps) {
    this.real = real;
    this.#deps = deps;
  }

  /** Calls that the real one works on: their answers are held back until it has given them. */
  get underWay(): ReadonlySet<Promise<unknown>> {
    return this.#underWay;
  }

  get isBusy(): boolean {
    return this.#calls > 0;
  }

  kill(): void {
    this.#generation += 1;
    this.#calls = 0;
  }

  /** The store as the next server has it. */
  open(): ContextStore {
    const generation = this.#generation;
    return new Proxy(this.real, {
      get: (store, name) => {
        const member: unknown = Reflect.get(store, name, store);
        if (typeof member !== 'function' || typeof name === 'symbol') return member;
        if (name === 'close') return () => Promise.resolve();
        const method = member as (...args: unknown[]) => unknown;
        if (AT_ONCE.has(name)) return method.bind(store);
        return (...args: unknown[]) =>
          this.#call(generation, name, args, () => method.apply(store, args) as Promise<unknown>);
      },
    });
  }

  #call(generation: number, name: string, args: unknown[], work: () => Promise<unknown>): Promise<unknown> {
    const { clock, random, trace } = this.#deps;
    const isSlow = random.chance(this.slowShare);
    const fails = random.chance(this.failShare);
    const startMs = Math.max(this.#lastStartMs, clock.monotonicMs() + random.below(isSlow ? SLOW_MS_MAX : WORK_MS_MAX));
    const replyMs = random.below(isSlow ? SLOW_MS_MAX : REPLY_MS_MAX);
    this.#lastStartMs = startMs;
    this.#calls += 1;
    const told = Promise.withResolvers<unknown>();
    const tell = (how: string, settle: () => void): void => {
      clock.after(replyMs, () => {
        if (generation !== this.#generation) return;
        this.#calls -= 1;
        trace.note(`store ${name} ${how}`);
        settle();
      });
    };
    clock.after(startMs - clock.monotonicMs(), () => {
      if (generation !== this.#generation) return;
      if (fails) {
        const error = new CodedError('STORE_UNAVAILABLE', 'the store fails, as simulated');
        return tell('fails', () => told.reject(error));
      }
      const result = this.sabotage === null ? work() : this.sabotage(name, args, work);
      const outcome = result.then(
        (value) => () => tell('done', () => told.resolve(value)),
        (error: unknown) => () => tell('refused', () => told.reject(error)),
      );
      // In the order of the calls, whichever thread was quicker.
      const turn = Promise.all([outcome, this.#told]).then(([next]) => next());
      this.#told = turn;
      this.#underWay.add(turn);
      void turn.finally(() => this.#underWay.delete(turn));
    });
    return told.promise;
  }
}

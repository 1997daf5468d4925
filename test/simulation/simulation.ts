import { inspect } from 'node:util';
import { seedAt } from '../../src/base/seeded-random.ts';
import type { ContextStore } from '../../src/store/store.ts';
import type { FakeClock } from '../support/fake-clock.ts';
import { SeededRandom } from '../support/seeded-random.ts';
import { Model } from './model.ts';
import { Operations } from './operations.ts';
import { BrokenPromise } from './promises.ts';
import { Quiet } from './quiet.ts';
import type { Sabotage } from './sim-store.ts';
import { STEPS, type Step } from './steps.ts';
import { TrueState } from './true-state.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** Only these of the steps are taken, the others passed over; absent: all. */
  readonly only?: ReadonlySet<number> | undefined;
  readonly openStore: (clock: FakeClock) => ContextStore | Promise<ContextStore>;
  /** What is broken on purpose. */
  readonly sabotage?: Sabotage | undefined;
  /** Is given each line of the trace. */
  readonly tell?: ((line: string) => void) | undefined;
}

export interface Failure {
  readonly step: number;
  /** Of the step, or of the request that found it. */
  readonly what: string;
  readonly promise: string;
  readonly seen: string;
  /** What happened last. */
  readonly trace: readonly string[];
}

export interface SimulationReport {
  readonly failure: Failure | null;
  /** Of all that happened: of the same options the same. */
  readonly digest: string;
  /** Of requests, by what they were and how they ended. */
  readonly outcomes: ReadonlyMap<string, number>;
  readonly simulatedMs: number;
}

/** After so many steps the trouble ends, and all that was left open is looked up. */
const STEPS_TO_QUIET = 40;

/** One run: what happens at each step depends on the seed, the number of the step, and what is there. */
export async function simulate(options: SimulationOptions): Promise<SimulationReport> {
  const { seed, steps, only, sabotage } = options;
  const world = await World.open(options);
  world.store.sabotage = sabotage ?? null;
  const model = new Model();
  const operations = new Operations(world, model);
  const trueState = new TrueState(world, model);
  const quiet = new Quiet(operations, trueState);
  const stage = { world, model, operations };
  let failure: Failure | null = null;
  const strays = new Strays();
  world.startServer();
  for (let number = 1; number <= steps && failure === null; number++) {
    const isQuiet = number % STEPS_TO_QUIET === 0 || number === steps;
    if (only !== undefined && !only.has(number) && !isQuiet) continue;
    const random = new SeededRandom(seedAt(seed, number));
    const step = isQuiet ? QUIET : pick(random);
    world.trace.note(`step ${number}: ${step.name}`);
    try {
      await (isQuiet ? quiet.fall() : step.take(stage, random));
      await world.settle();
      await trueState.check();
      strays.check();
      const [defect] = world.defects;
      if (defect !== undefined) operations.fail(new BrokenPromise('the server finds no defect of its own', defect), '');
    } catch (error) {
      operations.fail(error as Error, step.name);
    }
    if (operations.broken !== null) failure = failureOf(number, step.name, operations.broken, world);
  }
  const digest = world.trace.digest();
  const simulatedMs = world.clock.monotonicMs();
  await world.close();
  strays.end();
  return { failure, digest, outcomes: operations.outcomes, simulatedMs };
}

const QUIET: Step = { name: 'quiet', weight: 0, take: () => Promise.resolve() };
const WEIGHTS = STEPS.reduce((sum, { weight }) => sum + weight, 0);

function pick(random: SeededRandom): Step {
  let left = random.next() * WEIGHTS;
  return STEPS.find(({ weight }) => (left -= weight) < 0) ?? QUIET;
}

function failureOf(
  step: number,
  name: string,
  { error, what }: { readonly error: Error; readonly what: string },
  world: World,
): Failure {
  const isBroken = error instanceof BrokenPromise;
  return {
    step,
    what: what === '' ? name : what,
    promise: isBroken ? error.promise : 'nothing throws',
    seen: isBroken ? error.seen : (error.stack ?? error.message),
    trace: [...world.trace.last],
  };
}

/** Rejections that nobody handles. */
class Strays {
  #found: unknown = null;
  readonly #note = (reason: unknown): void => {
    this.#found ??= reason;
  };

  constructor() {
    process.on('unhandledRejection', this.#note);
  }

  check(): void {
    if (this.#found === null) return;
    const found = this.#found;
    this.#found = null;
    throw new BrokenPromise(
      'no rejection is left alone',
      found instanceof Error ? (found.stack ?? '') : inspect(found),
    );
  }

  end(): void {
    process.off('unhandledRejection', this.#note);
  }
}

import { FuzzWorld, memoryFigures, type MemoryFigures } from './fuzz-world.ts';
import { closeAgents, DASHBOARD, GATEWAY, HTTP, MCP } from './http-targets.ts';
import { Seeded } from './seeded.ts';
import type { Outcomes, Target } from './target.ts';
import { closeConnection, CONNECTION, HANDSHAKE, READER, STREAM } from './wire-targets.ts';

export const TARGETS: readonly Target[] = [READER, CONNECTION, STREAM, HANDSHAKE, GATEWAY, MCP, DASHBOARD, HTTP];

export interface FuzzOptions {
  readonly seed: number;
  readonly targets?: readonly Target[];
  /** The run is over with the first of these. */
  readonly secondsMax?: number;
  readonly inputsMax?: number;
  /** Told every now and then. */
  readonly note?: (figures: FuzzFigures) => void;
}

export interface FuzzFigures {
  readonly cases: number;
  readonly inputs: number;
  /** Inputs and answers of each target. */
  readonly byTarget: ReadonlyMap<string, { readonly inputs: number; readonly outcomes: Outcomes }>;
  /** When everything had been used once. */
  readonly before: MemoryFigures;
  readonly after: MemoryFigures;
}

/** What a run came upon. */
export interface FuzzFailure {
  readonly target: string;
  readonly caseNumber: number;
  readonly inputs: readonly Uint8Array[];
  readonly reason: unknown;
}

/** The memory of a server that has just begun is no measure: caches, pools and the arenas of its threads fill up. A shorter run has no growth. */
const WARM_INPUTS = 100_000;
const CLEARED_EVERY_INPUTS = 10_000;

/** Cases of one seed against one server, one after the other, until time or inputs are used up or a case fails. */
export class FuzzRun {
  readonly #world: FuzzWorld;
  readonly #options: FuzzOptions;
  readonly #byTarget = new Map<string, { inputs: number; readonly outcomes: Outcomes }>();
  readonly #stray: unknown[] = [];
  #inputs = 0;
  #cases = 0;
  #before: MemoryFigures | null = null;

  constructor(world: FuzzWorld, options: FuzzOptions) {
    this.#world = world;
    this.#options = options;
  }

  /** Null: nothing failed. */
  async run(): Promise<FuzzFailure | null> {
    const { secondsMax = Infinity, inputsMax = Infinity, note } = this.#options;
    const startedMs = performance.now();
    let clearedAt = 0;
    return this.#watched(async () => {
      while (performance.now() - startedMs < secondsMax * 1000 && this.#inputs < inputsMax) {
        const failure = await this.case(this.#cases);
        if (failure !== null) return failure;
        if (this.#inputs - clearedAt < CLEARED_EVERY_INPUTS) continue;
        clearedAt = this.#inputs;
        await this.#world.clear();
        if (this.#before === null && this.#inputs >= WARM_INPUTS) this.#before = memoryFigures();
        note?.(this.figures());
      }
      await this.#world.clear();
      return null;
    });
  }

  /** The case of that number, which no other has a part in but by what it left in the server. */
  async case(caseNumber: number): Promise<FuzzFailure | null> {
    const random = new Seeded(this.#options.seed, caseNumber);
    const target = targetFor(random, this.#options.targets ?? TARGETS);
    this.#cases += 1;
    return this.inputs(target, target.make(random), caseNumber);
  }

  /** Null: nothing failed. */
  async inputs(target: Target, inputs: readonly Uint8Array[], caseNumber = -1): Promise<FuzzFailure | null> {
    const known = this.#byTarget.get(target.name) ?? { inputs: 0, outcomes: new Map() };
    this.#byTarget.set(target.name, known);
    known.inputs += inputs.length;
    this.#inputs += inputs.length;
    const failed = (reason: unknown): FuzzFailure => ({ target: target.name, caseNumber, inputs, reason });
    try {
      await target.run(inputs, this.#world, known.outcomes);
    } catch (error) {
      return failed(error);
    }
    const { defects } = this.#world;
    if (defects.length > 0) return failed(new Error(`the server logged: ${defects.splice(0).join('; ')}`));
    return this.#stray.length > 0 ? failed(this.#stray.shift()) : null;
  }

  figures(): FuzzFigures {
    const after = memoryFigures();
    return {
      cases: this.#cases,
      inputs: this.#inputs,
      byTarget: this.#byTarget,
      before: this.#before ?? after,
      after,
    };
  }

  /** What nobody caught belongs to the case that ran. */
  async #watched<T>(work: () => Promise<T>): Promise<T> {
    const note = (reason: unknown): void => void this.#stray.push(reason);
    process.on('unhandledRejection', note);
    process.on('uncaughtException', note);
    try {
      return await work();
    } finally {
      process.off('unhandledRejection', note);
      process.off('uncaughtException', note);
    }
  }
}

function targetFor(random: Seeded, targets: readonly Target[]): Target {
  let place = random.below(targets.reduce((sum, { weight }) => sum + weight, 0));
  return targets.find(({ weight }) => (place -= weight) < 0) ?? READER;
}

/** Opens a server for the time of `work`. */
export async function withWorld<T>(work: (world: FuzzWorld) => Promise<T>, upstreamUrl?: string): Promise<T> {
  const world = await FuzzWorld.open(upstreamUrl);
  try {
    return await work(world);
  } finally {
    await closeConnection();
    closeAgents();
    await world.close();
  }
}

/** As `--replay` takes it. */
export function replayOf({ target, inputs }: Pick<FuzzFailure, 'target' | 'inputs'>): string {
  return `${target}:${inputs.map((input) => Buffer.from(input).toString('hex')).join(',')}`;
}

export function fromReplay(text: string): { readonly target: Target; readonly inputs: readonly Buffer[] } {
  const [name, hex = ''] = text.split(':');
  const target = TARGETS.find((each) => each.name === name);
  if (target === undefined)
    throw new Error(`there is no target ${name}: they are ${TARGETS.map((each) => each.name).join(', ')}`);
  return { target, inputs: hex.split(',').map((input) => Buffer.from(input, 'hex')) };
}

/** The first of a failed case's inputs that fails alone, else all of them. */
export async function smallest(failure: FuzzFailure): Promise<FuzzFailure> {
  const target = TARGETS.find(({ name }) => name === failure.target);
  if (
    target === undefined ||
    failure.inputs.length < 2 ||
    failure.target === 'stream' ||
    failure.target === 'handshake'
  )
    return failure;
  await closeConnection();
  return withWorld(async (world) => {
    const run = new FuzzRun(world, { seed: 0 });
    for (const input of failure.inputs) {
      const alone = await run.inputs(target, [input], failure.caseNumber);
      if (alone !== null) return alone;
    }
    return failure;
  });
}

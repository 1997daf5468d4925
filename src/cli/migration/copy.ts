import type { Clock } from '../../base/clock.ts';
import { type ContextRecord, LEVELS } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import { isOver } from '../../store/apply-patch.ts';
import type { StoreDriver } from '../../store/driver.ts';
import { walkStore, type WholeContext } from '../../store/generic/walk-store.ts';
import { ChangesFailed, ContentRefused } from '../../store/failed-changes.ts';
import type { Change, ChangeResult } from '../../store/store.ts';
import { CommandError } from '../terminal/command-error.ts';
import { failureText, type Patience } from '../terminal/patience.ts';
import { patientReads } from './patient-reads.ts';
import { type ByLevel, differencesIn, sumOf, Tally } from './tally.ts';

export interface CopyDeps {
  readonly source: StoreDriver;
  readonly destination: StoreDriver;
  readonly patience: Patience;
  readonly clock: Clock;
  /** A context that is not at the destination as it is in the source, and why. */
  readonly onProblem: (record: ContextRecord, reason: string) => void;
  /** Those that are at the destination as they are in the source; after each batch. */
  readonly onCopied: (contexts: readonly WholeContext[], walked: number) => void;
}

/** One namespace, as it was found afterwards. */
export interface NamespaceCopy {
  readonly namespace: string;
  readonly tally: Tally;
  readonly source: ByLevel;
  readonly destination: ByLevel;
  /** Contexts of the destination that the source does not have. */
  readonly others: number;
  /** Why the counts are not what the copy should have made of them. */
  readonly differences: readonly string[];
}

type TransferResult = Extract<ChangeResult, { readonly op: 'transfer' }>;

/** Of what the destination does not take: so many are told and gone past; more than half of all are not. */
const REFUSALS_MIN = 10;

/** About what a driver reads and writes in one go. */
const CONTEXTS_AT_ONCE = 250;

export class Copy {
  readonly #deps: CopyDeps;
  readonly #source: Pick<StoreDriver, 'scan' | 'counts'>;
  readonly #destination: Pick<StoreDriver, 'counts'>;
  /** Of all namespaces. */
  #walked = 0;
  #refused = 0;

  constructor(deps: CopyDeps) {
    this.#deps = deps;
    this.#source = patientReads('source', deps.source, deps.patience);
    this.#destination = patientReads('destination', deps.destination, deps.patience);
  }

  /** Adds to what is there; what is there already is not written again. Rejects where nearly everything is refused. */
  async namespace(namespace: string): Promise<NamespaceCopy> {
    const before = await countsOf(this.#destination, namespace);
    const tally = new Tally();
    const { signal } = this.#deps.patience;
    for await (const page of walkStore(this.#source, { namespace, contextsMax: CONTEXTS_AT_ONCE, signal })) {
      for (const { record } of page) tally.walked[record.level]++;
      const nowMs = this.#deps.clock.nowMs();
      const living = page.filter(({ record }) => !isOver(record, nowMs));
      tally.expired += page.length - living.length;
      const copied = await this.#write(living, tally);
      this.#deps.onCopied(copied, page.length);
      this.#walked += page.length;
      if (this.#refused > REFUSALS_MIN && this.#refused > this.#walked / 2)
        throw refusesAll(this.#refused, this.#walked);
    }
    const source = await countsOf(this.#source, namespace);
    const destination = await countsOf(this.#destination, namespace);
    const { created, replaced, same, newer, conflict } = tally.outcomes;
    return {
      namespace,
      tally,
      source,
      destination,
      others: Math.max(0, sumOf(destination) - created - replaced - same - newer - conflict),
      differences: differencesIn(tally, source, before, destination),
    };
  }

  /** Those that are at the destination afterwards as they came. What is refused for one of them is found by halves. */
  async #write(contexts: readonly WholeContext[], tally: Tally): Promise<WholeContext[]> {
    const [first] = contexts;
    if (first === undefined) return [];
    try {
      return await this.#apply(contexts, tally);
    } catch (error) {
      if (!(error instanceof CodedError)) throw error;
      if (contexts.length === 1) {
        this.#refuse(first.record, error, tally);
        return [];
      }
      const half = contexts.length >> 1;
      const written = await this.#write(contexts.slice(0, half), tally);
      return [...written, ...(await this.#write(contexts.slice(half), tally))];
    }
  }

  #refuse(record: ContextRecord, error: CodedError, tally: Tally): void {
    tally.refused++;
    if (error instanceof ContentRefused) this.#refused++;
    this.#deps.onProblem(record, failureText(error));
  }

  async #apply(contexts: readonly WholeContext[], tally: Tally): Promise<WholeContext[]> {
    const { destination, patience, clock, onProblem } = this.#deps;
    const changes = contexts.map(({ entered, ...context }): Change => ({ op: 'transfer', context, entered }));
    let isRepeat = false;
    const results = await patience.with('destination', (failed) => {
      isRepeat = failed > 0;
      return orRefusals(destination.apply(changes, clock.nowMs()));
    });
    return contexts.filter(({ record }, i) => {
      const result = results[i] as TransferResult | ContentRefused;
      if (result instanceof ContentRefused) {
        this.#refuse(record, result, tally);
        return false;
      }
      const { outcome, before } = result;
      tally.transferred(outcome, record.level, before, isRepeat);
      if (outcome === 'conflict') onProblem(record, 'the destination has another context with this id');
      return outcome !== 'conflict' && outcome !== 'newer';
    });
  }
}

/** Outcomes where all that fails is what the destination does not take; rejects with what else is wrong. */
async function orRefusals(applied: Promise<ChangeResult[]>): Promise<readonly (ChangeResult | ContentRefused)[]> {
  try {
    return await applied;
  } catch (error) {
    if (error instanceof ContentRefused) return [error];
    if (!(error instanceof ChangesFailed)) throw error;
    return error.outcomes.map((outcome) => {
      if (outcome instanceof CodedError && !(outcome instanceof ContentRefused)) throw outcome;
      return outcome;
    });
  }
}

/** It is not the contexts that are at fault then, and each costs requests of its own. */
function refusesAll(refused: number, walked: number): CommandError {
  return new CommandError(
    `the destination refused ${refused} of ${walked} contexts`,
    'What was copied stays. Look at the settings of the database, and run the same command again to go on.',
  );
}

async function countsOf(driver: Pick<StoreDriver, 'counts'>, namespace: string): Promise<ByLevel> {
  const { counts } = await driver.counts({ reaches: LEVELS.map((level) => ({ namespace, levels: [level] })) });
  const [immediate = 0, shortTerm = 0, longTerm = 0] = counts;
  return { immediate, short_term: shortTerm, long_term: longTerm };
}

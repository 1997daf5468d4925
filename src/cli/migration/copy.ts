import type { Clock } from '../../base/clock.ts';
import { type ContextRecord, LEVELS } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import { isOver } from '../../store/apply-patch.ts';
import type { StoreDriver } from '../../store/driver.ts';
import { walkStore, type WholeContext } from '../../store/generic/walk-store.ts';
import type { Change, ChangeResult } from '../../store/store.ts';
import { type Patience, patientReads } from './patience.ts';
import { type ByLevel, Tally } from './tally.ts';

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

/** About what a driver reads and writes in one go. */
const CONTEXTS_AT_ONCE = 250;

export class Copy {
  readonly #deps: CopyDeps;
  readonly #source: Pick<StoreDriver, 'scan' | 'counts'>;
  readonly #destination: Pick<StoreDriver, 'counts'>;

  constructor(deps: CopyDeps) {
    this.#deps = deps;
    this.#source = patientReads('source', deps.source, deps.patience);
    this.#destination = patientReads('destination', deps.destination, deps.patience);
  }

  /** Adds to what is there; what is there already is not written again. */
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
    }
    const source = await countsOf(this.#source, namespace);
    const destination = await countsOf(this.#destination, namespace);
    const { created, replaced, same, newer, conflict } = tally.outcomes;
    const total = LEVELS.reduce((sum, level) => sum + destination[level], 0);
    return {
      namespace,
      tally,
      source,
      destination,
      others: Math.max(0, total - created - replaced - same - newer - conflict),
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
        tally.refused++;
        this.#deps.onProblem(first.record, error.message);
        return [];
      }
      const half = contexts.length >> 1;
      const written = await this.#write(contexts.slice(0, half), tally);
      return [...written, ...(await this.#write(contexts.slice(half), tally))];
    }
  }

  async #apply(contexts: readonly WholeContext[], tally: Tally): Promise<WholeContext[]> {
    const { destination, patience, clock, onProblem } = this.#deps;
    const changes = contexts.map(({ entered, ...context }): Change => ({ op: 'transfer', context, entered }));
    let isRepeat = false;
    const results = await patience.with('destination', (failed) => {
      isRepeat = failed > 0;
      return destination.apply(changes, clock.nowMs());
    });
    return contexts.filter(({ record }, i) => {
      const result = results[i] as Extract<ChangeResult, { readonly op: 'transfer' }>;
      const { outcome, before } = result;
      tally.transferred(outcome, record.level, before, isRepeat);
      if (outcome === 'conflict') onProblem(record, 'the destination has another context with this id');
      return outcome !== 'conflict' && outcome !== 'newer';
    });
  }
}

async function countsOf(driver: Pick<StoreDriver, 'counts'>, namespace: string): Promise<ByLevel> {
  const { counts } = await driver.counts({ reaches: LEVELS.map((level) => ({ namespace, levels: [level] })) });
  const [immediate = 0, shortTerm = 0, longTerm = 0] = counts;
  return { immediate, short_term: shortTerm, long_term: longTerm };
}

function differencesIn(tally: Tally, source: ByLevel, before: ByLevel, after: ByLevel): string[] {
  return LEVELS.flatMap((level) => {
    const differences: string[] = [];
    const walked = tally.walked[level];
    if (source[level] !== walked) differences.push(`${level}: the source has ${source[level]}, ${walked} were read`);
    const least = before[level] + tally.gained[level];
    const most = least + tally.doubtful[level];
    if (after[level] < least || after[level] > most) {
      differences.push(`${level}: the destination has ${after[level]}, and should have ${least}`);
    }
    return differences;
  });
}

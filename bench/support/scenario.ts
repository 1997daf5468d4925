import type { Row } from './report.ts';

/** One target (or several that share their data), measured from start to end. */
export interface Scenario {
  readonly name: string;
  /** One line for `--help`. */
  readonly about: string;
  /** About how long it takes in full, for whoever waits. */
  readonly fullDuration: string;
  /** Runs only where it is named, or with `--full`. */
  readonly onRequest?: boolean;
  /** Environment variables without which it runs only where it is named, and says then what is missing. */
  readonly needs?: readonly string[];
  run(bench: Bench): Promise<Row[]>;
}

/** What a scenario is given. */
export interface Bench {
  /** Smaller sizes and shorter rounds. */
  readonly quick: boolean;
  /** Progress, for a person; goes to standard error. */
  note(message: string): void;
  /** Runs when the scenario is over, last one first, also where it failed. */
  defer(cleanup: () => unknown): void;
  /** Made by the first scenario that asks, kept for the later ones, released at the end of the run. */
  shared<T>(key: string, make: () => Promise<{ value: T; release: () => unknown }>): Promise<T>;
}

/** A row's name, which in a quick run says that it was measured with less. */
export function sized(bench: Bench, name: string, quickSize: string): string {
  return bench.quick ? `${name} [${quickSize}]` : name;
}

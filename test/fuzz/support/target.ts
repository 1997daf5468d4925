import { ERROR_TABLE } from '../../../src/base/error-table.ts';
import type { FuzzWorld } from './fuzz-world.ts';
import type { Seeded } from './seeded.ts';

/** What comes of one case, by the codes that were answered. */
export type Outcomes = Map<string, number>;

/** One way in. Inputs of a case are sent one behind the other. */
export interface Target {
  readonly name: string;
  /** Of all cases: so many parts are its own. */
  readonly weight: number;
  make(random: Seeded): readonly Uint8Array[];
  /** Rejects with a `Fault` where a promise was broken. */
  run(inputs: readonly Uint8Array[], world: FuzzWorld, outcomes: Outcomes): Promise<void>;
}

/** A promise that does not hold. */
export class Fault extends Error {}

export function count(outcomes: Outcomes, outcome: string): void {
  outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
}

/** Counts an error's code. Throws `Fault` where it is none of the table, or a defect. */
export function countError(outcomes: Outcomes, payload: unknown): void {
  const code = (payload as { readonly code?: unknown } | null)?.code;
  if (typeof code !== 'string' || !Object.hasOwn(ERROR_TABLE, code))
    throw new Fault(`an error without a code of the table: ${JSON.stringify(payload)}`);
  if (code === 'INTERNAL') throw new Fault(`a defect: ${JSON.stringify(payload)}`);
  count(outcomes, code);
}

/** Nothing may wait longer, on a machine that is five times slower. */
const HANG_MS = 60_000;

/** Rejects with a `Fault` where `work` takes far too long. */
export async function inTime<T>(work: Promise<T>, what: string): Promise<T> {
  const { promise, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Fault(`${what} took more than ${HANG_MS / 1000} s`)), HANG_MS);
  try {
    return await Promise.race([work, promise]);
  } finally {
    clearTimeout(timer);
  }
}

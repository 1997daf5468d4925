import { Option, type Command } from 'commander';
import { parseMoment } from '../terminal/time-parsers.ts';

/** Which moment a read asks about. */
export interface MomentOptions {
  readonly asOf?: number;
  readonly knownAt?: number;
  readonly includePast?: boolean;
}

const MOMENT = 'so long ago (7d), or a date or moment (UTC)';

/** `parse`: of the moment that is asked about, which for facts may be before 1970. */
export function withMomentOptions(command: Command, parse: (raw: string) => number = parseMoment): Command {
  return command
    .addOption(new Option('--as-of <moment>', `what held then: ${MOMENT}`).argParser(parse))
    .addOption(new Option('--known-at <moment>', `only what was stored by then: ${MOMENT}`).argParser(parseMoment))
    .addOption(new Option('--include-past', 'also what holds no more'));
}

/** Fields of a query or a list. */
export function momentOf({ asOf, knownAt, includePast }: MomentOptions): {
  readonly as_of: number | undefined;
  readonly known_at: number | undefined;
  readonly include_past: boolean | undefined;
} {
  return { as_of: asOf, known_at: knownAt, include_past: includePast };
}

/** From when on, and until when, a context holds. */
export interface IntervalOptions {
  readonly validFrom?: number;
  readonly validUntil?: number;
}

export function withIntervalOptions(command: Command): Command {
  return command
    .addOption(new Option('--valid-from <moment>', `it holds from then on: ${MOMENT}`).argParser(parseMoment))
    .addOption(new Option('--valid-until <moment>', `it holds no more from then on: ${MOMENT}`).argParser(parseMoment));
}

import { oneLine } from '../../base/control-characters.ts';
import { InvalidArgumentError } from 'commander';
import { LEVELS, STRATEGIES, type JsonObject, type Level, type Priority } from '../../base/context.ts';
import { parseJson } from '../../base/json.ts';
import { NESTING_MAX } from '../../protocol/body-limits.ts';
import { findJsonFaults } from '../../base/json-faults.ts';

/** Parsers of option values; each refuses what does not fit with a message that commander shows as wrong usage. */
export function parseCount(raw: string): number {
  const count = Number(raw);
  if (!Number.isInteger(count) || count < 1) throw new InvalidArgumentError('It must be a whole number of at least 1.');
  return count;
}

export function parseSeconds(raw: string): number {
  const seconds = Number(raw);
  if (raw.trim() === '' || !Number.isFinite(seconds) || seconds < 0)
    throw new InvalidArgumentError('It must be a number of seconds.');
  return seconds;
}

/** A whole number within bounds. */
export function parseNumberOf(min: number, max: number): (raw: string) => number {
  return (raw) => {
    const number = Number(raw);
    if (raw.trim() === '' || !Number.isInteger(number) || number < min || number > max)
      throw new InvalidArgumentError(`It must be a whole number from ${min} to ${max}.`);
    return number;
  };
}

export function parseShare(raw: string): number {
  const share = Number(raw);
  if (raw.trim() === '' || !(share >= 0 && share <= 1))
    throw new InvalidArgumentError('It must be a number from 0 to 1.');
  return share;
}

export function parseLevel(raw: string): Level {
  const level = LEVELS.find((name) => name === raw);
  if (level === undefined) throw new InvalidArgumentError(`It must be one of ${LEVELS.join(', ')}.`);
  return level;
}

/** For options that may be given several times, or with commas. */
export function parseLevels(raw: string, before: readonly Level[] = []): readonly Level[] {
  return [...new Set([...before, ...raw.split(',').map((part) => parseLevel(part.trim()))])];
}

export function collect(raw: string, before: readonly string[] = []): readonly string[] {
  return [...before, raw];
}

/** A JSON object that arrives as it was written; see `findJsonFaults`. */
export function parseObject(raw: string): JsonObject {
  const { depth, faults } = findJsonFaults(raw);
  if (depth > NESTING_MAX) throw new InvalidArgumentError(`It must be nested at most ${NESTING_MAX} levels deep.`);
  let value: unknown;
  try {
    value = parseJson(raw);
  } catch {
    throw new InvalidArgumentError('It must be JSON.');
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new InvalidArgumentError('It must be a JSON object.');
  if (faults[0] !== undefined) throw new InvalidArgumentError(`It is refused: ${oneLine(faults[0].reason)}.`);
  return value as JsonObject;
}

/** A named strategy, or three shares: `30,40,30`. */
export function parsePriority(raw: string): Priority {
  const named = STRATEGIES.find((name) => name.toLowerCase() === raw.toLowerCase());
  if (named !== undefined) return named;
  const [l1, l2, l3, ...more] = raw.split(',').map(Number);
  const shares = [l1, l2, l3];
  if (
    more.length > 0 ||
    l1 === undefined ||
    l2 === undefined ||
    l3 === undefined ||
    !shares.every((share) => share !== undefined && share >= 0)
  ) {
    throw new InvalidArgumentError(`It must be ${STRATEGIES.join(', ')}, or three shares as in 30,40,30.`);
  }
  return [l1, l2, l3];
}

// From the wire's filters and the scopes of a read to Qdrant's filters, with the answers of every other store.

import type { Filter, FilterCondition, Level } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import type { Reach } from '../driver.ts';
import { isEmptyTest, isMatch, isRange, metadataPath, type RangeCondition } from '../filter.ts';
import type { TimeView } from '../times.ts';
import { LINKED } from './times-payload.ts';

/** A filter or a condition as Qdrant takes them. */
export interface QdrantFilter {
  readonly must?: readonly QdrantCondition[];
  readonly should?: readonly QdrantCondition[];
  readonly must_not?: readonly QdrantCondition[];
}
export type QdrantCondition = QdrantFilter | Readonly<Record<string, unknown>>;

/** Holds for nothing: no point has an id that is not among none. */
const NEVER: QdrantCondition = { has_id: [] };
const ALWAYS: QdrantCondition = { must_not: [NEVER] };

export function equals(key: string, value: string): QdrantCondition {
  return { key, match: { value } };
}

export function oneOf(key: string, values: readonly (string | number)[]): QdrantCondition {
  return { key, match: { any: values } };
}

/** Has exactly this number. */
export function at(key: string, value: number): QdrantCondition {
  // `match` takes no fractions.
  return { key, range: { gte: value, lte: value } };
}

/** What of the level's collection is within reach. `more`: what must hold besides. */
export function reachFilter(reach: Reach, level: Level, more: readonly QdrantCondition[] = []): QdrantFilter {
  const { namespace, agentId, sessionId, includeSessionless = false, filter, nowMs, unembedded, time, linked } = reach;
  const must: QdrantCondition[] = [...more];
  if (namespace !== undefined) must.push(equals('namespace', namespace));
  if (agentId !== undefined) must.push(equals('agent_id', agentId));
  if (sessionId !== undefined) must.push(ofSession(sessionId, includeSessionless));
  if (unembedded !== undefined) must.push(equals('unembedded', unembedded));
  if (filter !== undefined) must.push(translated(filter, level));
  if (linked === true) must.push(equals('linked', LINKED));
  if (reach.supersedes !== undefined) must.push(oneOf('supersedes', reach.supersedes));
  const held = time === undefined ? undefined : timeConditions(time);
  if (held !== undefined) must.push(...held.must);
  const over: QdrantCondition = { key: 'hidden_from', range: { lte: nowMs } };
  const mustNot = [...(nowMs === undefined ? [] : [over]), ...(held?.mustNot ?? [])];
  return { must, ...(mustNot.length === 0 ? {} : { must_not: mustNot }) };
}

/** What must hold, and what must not, for a point to hold as the view asks. */
function timeConditions({ asOfMs, isNow, knownAtMs, includePast = false }: TimeView): {
  readonly must: readonly QdrantCondition[];
  readonly mustNot: readonly QdrantCondition[];
} {
  const must: QdrantCondition[] = [];
  const mustNot: QdrantCondition[] = [];
  const upTo = (key: string, time: number): QdrantCondition => ({ key, range: { lte: time } });
  if (isNow) mustNot.push({ key: 'valid_from', range: { gt: asOfMs } });
  else must.push(orCreated('valid_from', { range: { lte: asOfMs } }));
  if (knownAtMs !== undefined) must.push(orCreated('recorded_at', { range: { lte: knownAtMs } }));
  if (includePast) return { must, mustNot };
  if (knownAtMs === undefined) mustNot.push(upTo('holds_until', asOfMs));
  else {
    const known = { must: [upTo('from', asOfMs), upTo('recorded', knownAtMs)] };
    mustNot.push(upTo('valid_until', asOfMs), { nested: { key: 'superseded', filter: known } });
  }
  return { must, mustNot };
}

/** A condition on a field that says what `created_at` says where it is absent. */
function orCreated(key: 'valid_from' | 'recorded_at', condition: object): QdrantCondition {
  const absent: QdrantCondition = { is_empty: { key } };
  return {
    should: [{ key, ...condition }, { must: [absent, { key: 'created_at', ...condition }] }],
  };
}

function ofSession(sessionId: string | null, includeSessionless: boolean): QdrantCondition {
  const none: QdrantCondition = { is_empty: { key: 'session_id' } };
  if (sessionId === null) return none;
  const own = equals('session_id', sessionId);
  return includeSessionless ? { should: [own, none] } : own;
}

/** Above the value, below it where `descending`. */
export function beyond(key: string, value: number, descending: boolean): QdrantCondition {
  return { key, range: { [descending ? 'lt' : 'gt']: value } };
}

/** `filter` is one that `checkFilter` let through. */
function translated(filter: Filter, level: Level): QdrantFilter {
  const all = (conditions: readonly FilterCondition[]): QdrantCondition[] =>
    conditions.map((condition) => conditionOf(condition, level));
  const { must, should, must_not: mustNot } = filter;
  return {
    ...(must === undefined || must.length === 0 ? {} : { must: all(must) }),
    ...(should === undefined || should.length === 0 ? {} : { should: all(should) }),
    ...(mustNot === undefined || mustNot.length === 0 ? {} : { must_not: all(mustNot) }),
  };
}

function conditionOf(condition: FilterCondition, level: Level): QdrantCondition {
  if (isEmptyTest(condition)) {
    const { key } = condition.is_empty;
    // Each context has these.
    return key === 'level' || key === 'valid_from' ? NEVER : { is_empty: { key: pathOf(key) } };
  }
  if (isRange(condition)) {
    const range = tightest(condition.range);
    return condition.key === 'valid_from' ? orCreated('valid_from', { range }) : { key: pathOf(condition.key), range };
  }
  if (!isMatch(condition)) return translated(condition, level);
  const { key, match } = condition;
  const values = 'value' in match ? [match.value] : match.any;
  // A collection holds one level.
  if (key === 'level') return values.includes(level) ? ALWAYS : NEVER;
  const path = pathOf(key);
  const strings = [...new Set(values.filter((value) => typeof value === 'string'))];
  const others = [...new Set(values.filter((value) => typeof value !== 'string'))];
  const tests = others.map((value): QdrantCondition => {
    if (key === 'valid_from') return orCreated(key, { range: { gte: value, lte: value } });
    return typeof value === 'boolean' ? { key: path, match: { value } } : at(path, value);
  });
  if (strings.length > 0) tests.push(strings.length === 1 ? equals(path, strings[0] as string) : oneOf(path, strings));
  return tests.length === 0 ? NEVER : tests.length === 1 ? (tests[0] as QdrantCondition) : { should: tests };
}

/** One bound on each side: of two, Qdrant's indexes look at the one that excludes its value, whichever is narrower. */
function tightest({ gt, gte, lt, lte }: RangeCondition['range']): RangeCondition['range'] {
  const above = gt !== undefined && gt >= (gte ?? -Infinity) ? { gt } : gte === undefined ? {} : { gte };
  const below = lt !== undefined && lt <= (lte ?? Infinity) ? { lt } : lte === undefined ? {} : { lte };
  return { ...above, ...below };
}

/** Qdrant's own path grammar. In quotation marks a step may hold anything but those and backslashes. */
function pathOf(key: string): string {
  const steps = metadataPath(key);
  if (steps === null) return key === 'valid_until' ? 'holds_until' : key;
  for (const step of steps) {
    if (/["\\]/.test(step)) {
      throw badRequest('/filter', 'names a key with a quotation mark or a backslash, which Qdrant cannot look for');
    }
  }
  return ['metadata', ...steps.map((step) => (/^[\w-]+$/.test(step) ? step : `"${step}"`))].join('.');
}

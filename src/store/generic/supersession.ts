// Supersessions over a driver whose calls do not span each other. A context that supersedes others is written first, and these
// are told after it; one that goes is deleted first, and they are told after. What a kill in between leaves untold, a repeat
// of the call tells, and so does the sweep (`SupersessionSweep`): what counts is whether the context that supersedes is there.

import type { ContextRecord, Supersession } from '../../base/context.ts';
import { type CodedError, toCodedError } from '../../base/errors.ts';
import type { Position, StoreDriver } from '../driver.ts';
import { ChangesFailed, type Outcomes } from '../failed-changes.ts';
import type { Change, ChangeResult } from '../store.ts';
import type { Freed } from '../supersession.ts';
import { keptSupersessions, mayHaveMore, mustLearn, recordedAt, supersessionBy, type TimesPatch } from '../times.ts';
import { scanAll } from './scan-all.ts';

/** What writes of more than one step ask of a driver. */
export type WritingDriver = Pick<StoreDriver, 'apply' | 'scan' | 'counts'>;

type Put = Extract<Change, { readonly op: 'put' }>;
type Core = Pick<StoreDriver, 'apply' | 'get' | 'scan'>;

export function tellingSuperseded(driver: StoreDriver): WritingDriver {
  if (driver.tellsSuperseded === true) return driver;
  return {
    apply: (changes, nowMs) => applyTelling(driver, changes, nowMs),
    scan: (requests, signal) => driver.scan(requests, signal),
    counts: (request) => driver.counts(request),
  };
}

/** In order: what an earlier change of the call has stored, a later one may supersede. */
async function applyTelling(driver: StoreDriver, changes: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
  const runs = runsOf(changes);
  const done: Outcomes = [];
  for (const run of runs) {
    try {
      done.push(...(await applyRun(driver, run, nowMs)));
    } catch (error) {
      if (runs.length === 1) throw error;
      throw failedAfter(done, run.length, changes.length, error);
    }
  }
  return done as ChangeResult[];
}

/** A put that supersedes others is a run of its own. */
function runsOf(changes: readonly Change[]): Change[][] {
  const runs: Change[][] = [];
  let last: Change[] | null = null;
  for (const change of changes) {
    if (isSuperseding(change)) {
      runs.push([change]);
      last = null;
    } else if (last === null) runs.push((last = [change]));
    else last.push(change);
  }
  return runs;
}

function isSuperseding(change: Change): change is Put {
  return change.op === 'put' && change.context.record.times?.supersedes !== undefined;
}

async function applyRun(driver: StoreDriver, run: readonly Change[], nowMs: number): Promise<ChangeResult[]> {
  const [first] = run;
  if (first !== undefined && isSuperseding(first)) {
    const missing = await missingOf(driver, first.context.record, nowMs);
    if (missing.length > 0) return [{ op: 'put', missing }];
  }
  try {
    const results = await driver.apply(run, nowMs);
    await tellAll(driver, run, results, nowMs);
    return results;
  } catch (error) {
    if (error instanceof ChangesFailed) await tellAll(driver, run, error.outcomes, nowMs);
    throw error;
  }
}

/** None where the context is there already: then it has superseded them before. */
async function missingOf(driver: Core, record: ContextRecord, nowMs: number): Promise<string[]> {
  const { id, namespace, times } = record;
  const supersedes = times?.supersedes ?? [];
  const [known, ...found] = await driver.get(namespace, [id, ...supersedes], nowMs);
  return known ? [] : supersedes.filter((_, i) => !found[i]);
}

async function tellAll(
  driver: Core,
  changes: readonly Change[],
  results: readonly (ChangeResult | CodedError)[],
  nowMs: number,
): Promise<void> {
  for (const [i, result] of results.entries()) {
    if (result instanceof Error) continue;
    const change = changes[i] as Change;
    if (result.op === 'delete' && change.op === 'delete')
      for (const freed of result.freed ?? []) await withdraw(driver, change.namespace, freed, nowMs);
    else if ('record' in result && mayTell(change))
      await tellSuperseded(driver, result.record, 'created' in result && result.created, nowMs);
  }
}

/** Also a put that found it there, so that a repeat completes what was cut off. */
function mayTell(change: Change): boolean {
  return change.op !== 'update' || change.patch.times?.validFromMs !== undefined;
}

/** Those that do not know it yet. */
async function tellSuperseded(driver: Core, record: ContextRecord, isNew: boolean, nowMs: number): Promise<void> {
  const { namespace, times } = record;
  const supersedes = times?.supersedes ?? [];
  if (supersedes.length === 0) return;
  const supersession = supersessionBy(record);
  const found = await driver.get(namespace, supersedes, nowMs);
  const unknowing = found.filter((one) => one !== null && mustLearn(one, supersession, isNew)) as ContextRecord[];
  const more = await moreOf(
    driver,
    unknowing.filter((one) => isListed(one, record.id)),
    record.id,
  );
  await patchAll(
    driver,
    unknowing.map((one) => [one, { supersessions: [...(more.get(one.id) ?? []), supersession] }]),
    nowMs,
  );
}

async function withdraw(driver: Core, namespace: string, { id, supersedes }: Freed, nowMs: number): Promise<void> {
  const found = await driver.get(namespace, supersedes, nowMs);
  await withdrawFrom(driver, found.filter((one) => one !== null && isListed(one, id)) as ContextRecord[], id, nowMs);
}

async function withdrawFrom(
  driver: Core,
  superseded: readonly ContextRecord[],
  withdrawn: string,
  nowMs: number,
): Promise<void> {
  const more = await moreOf(driver, superseded, withdrawn);
  await patchAll(
    driver,
    superseded.map((one) => [one, { withdrawn, supersessions: more.get(one.id) ?? [] }]),
    nowMs,
  );
}

function isListed({ times }: ContextRecord, by: string): boolean {
  return times?.superseded?.some((one) => one.by === by) === true;
}

/** By ids, what supersedes those that may not keep all of it, as the contexts that do so tell; without `but`. */
async function moreOf(
  driver: Core,
  superseded: readonly ContextRecord[],
  but: string,
): Promise<Map<string, readonly Supersession[]>> {
  const cut = new Map(superseded.filter(mayHaveMore).map((one) => [one.id, one]));
  const told = new Map<string, Supersession[]>([...cut.keys()].map((id) => [id, []]));
  const [first] = cut.values();
  if (first === undefined) return told;
  const { namespace } = first;
  const order = { order: 'creation', descending: false, limit: SWEPT_AT_ONCE } as const;
  for await (const found of scanAll(driver, { ...order, namespace, supersedes: [...cut.keys()] })) {
    for (const { record } of found) {
      const supersession = supersessionBy(record);
      if (supersession.by === but) continue;
      for (const id of record.times?.supersedes ?? []) {
        const one = cut.get(id);
        if (one !== undefined && recordedAt(one) <= supersession.recordedAtMs) told.get(id)?.push(supersession);
      }
    }
    for (const [id, known] of told) told.set(id, [...keptSupersessions(known)]);
  }
  return told;
}

async function patchAll(
  driver: Core,
  patches: readonly (readonly [ContextRecord, TimesPatch])[],
  nowMs: number,
): Promise<void> {
  if (patches.length === 0) return;
  await driver.apply(
    patches.map(([{ namespace, id }, times]) => ({ op: 'update', namespace, id, patch: { times } })),
    nowMs,
  );
}

/** Of several changes, what is behind the failure was not tried. */
function failedAfter(done: Outcomes, tried: number, count: number, error: unknown): ChangesFailed {
  const coded = toCodedError(error);
  const own = error instanceof ChangesFailed ? error.outcomes : new Array<CodedError>(tried).fill(coded);
  const rest = new Array<CodedError>(count - done.length - tried).fill(coded);
  return new ChangesFailed(coded, [...done, ...own, ...rest]);
}

const SWEPT_AT_ONCE = 200;

/** Goes through the contexts that supersede or are superseded, some with each call, and tells what is untold. */
export class SupersessionSweep {
  #after: Position | undefined;

  async run(driver: StoreDriver, nowMs: number): Promise<void> {
    if (driver.tellsSuperseded === true) return;
    const order = { order: 'creation', descending: false, limit: SWEPT_AT_ONCE } as const;
    const [page] = await driver.scan([{ ...order, linked: true, ...(this.#after && { after: this.#after }) }]);
    const found = page?.found ?? [];
    for (const { record } of found) await mend(driver, record, nowMs);
    this.#after = page?.more === true ? found.at(-1)?.position : undefined;
  }
}

async function mend(driver: Core, record: ContextRecord, nowMs: number): Promise<void> {
  await tellSuperseded(driver, record, false, nowMs);
  const superseded = record.times?.superseded ?? [];
  if (superseded.length === 0) return;
  const successors = await driver.get(
    record.namespace,
    superseded.map(({ by }) => by),
    nowMs,
  );
  const gone = superseded.filter((_, i) => successors[i]?.times?.supersedes?.includes(record.id) !== true);
  for (const { by } of gone) await withdrawFrom(driver, [record], by, nowMs);
}

// What the server promises, each as a check of something seen against the model.

import type { Entry, Model, State } from './model.ts';

/** Something was seen that must not be. */
export class BrokenPromise extends Error {
  readonly promise: string;
  readonly seen: string;

  constructor(promise: string, seen: string) {
    super(`${promise}: ${seen}`);
    this.promise = promise;
    this.seen = seen;
  }
}

export function must(holds: boolean, promise: string, seen: () => string): asserts holds {
  if (!holds) throw new BrokenPromise(promise, seen());
}

export const PROMISES = {
  kept: 'what was acknowledged is there',
  once: 'nothing is there twice',
  real: 'what is there is what a client sent',
  gone: 'what was deleted stays away',
  apart: 'a key sees its own namespaces alone',
  budget: 'an answer keeps its budget',
  order: 'an answer has its order',
  ends: 'a lifetime ends when it said',
  holds: 'a read shows what holds at the moment that it asks about',
  whole: 'messages of one append are stored all or none',
  versions: 'a version counts the changes that were made',
  one: 'of changes of one version one alone is made',
  codes: 'an error has a code that fits what was asked',
  limits: 'what is past a limit is refused',
  replays: 'what was sent before, or changed on the way, ends the connection',
  rate: 'a key has no more answers than its rate',
  rises: 'a client gets through again when the trouble is over',
} as const;

/** A context as a reply or the store has it. */
export interface Seen {
  readonly id: string;
  readonly namespace: string;
  readonly text: string;
  readonly version: number;
}

/** When something was asked and answered: by the model's moments, and by the server's wall clock, which may have jumped meanwhile. */
export interface Span {
  readonly since: number;
  readonly wallMinMs: number;
  readonly wallMaxMs: number;
}

/** What the span lets a read show of an entry: `must` it be there, `may` it. */
interface Presence {
  readonly must: boolean;
  readonly may: boolean;
}

/** As of its lifetime and what was done to it, whatever holds when. */
export function presence(entry: Entry, span: Span): Presence {
  const states = entry.statesSince(span.since);
  const { expiresAtMs, ttlMs, wasOver } = entry;
  const lives = ttlMs === null || (!wasOver && expiresAtMs !== null && expiresAtMs > span.wallMaxMs);
  const mayLive = ttlMs === null || expiresAtMs === null || expiresAtMs > span.wallMinMs;
  return { must: lives && !states.has(null), may: mayLive && [...states].some((state) => state !== null) };
}

/** As of the moments from `from` to `to` in the world; `named`: the request names them, so what begins is compared with them. */
export function holding(entry: Entry, span: Span, from: number, to: number, named: boolean): Presence {
  const start = entry.validFromMs ?? (named ? entry.createdAtMs : -Infinity);
  let mustHold = start !== null && start <= from;
  let mayHold = start === null || start <= to;
  for (const newer of entry.supersededBy) {
    const states = newer.statesSince(span.since);
    const end = newer.validFromMs ?? newer.createdAtMs;
    const mayBe = [...states].some((state) => state !== null);
    if (mayBe && (end === null || end <= to)) mustHold = false;
    if (!states.has(null) && end !== null && end <= from) mayHold = false;
  }
  return { must: mustHold, may: mayHold };
}

/** Whose text it is, which must be one that the span allows. */
export function checkSeen(model: Model, seen: Seen, span: Span, where: string): Entry {
  const entry = model.ofText(seen.text);
  must(entry !== undefined, PROMISES.real, () => `${where} has ${show(seen)}, which nobody sent`);
  must(entry.namespace === seen.namespace, PROMISES.apart, () => `${where} has ${show(seen)} of ${entry.namespace}`);
  must(
    entry.id === null || entry.id === seen.id,
    PROMISES.once,
    () => `${where} has ${show(seen)}; its id is ${entry.id}`,
  );
  const state = entry.texts.indexOf(seen.text);
  must(state !== -1, PROMISES.real, () => `${where} has ${show(seen)}, which nobody sent`);
  const states = entry.statesSince(span.since);
  const why = states.size === 1 && states.has(null) ? PROMISES.gone : PROMISES.kept;
  must(states.has(state), why, () => `${where} has ${show(seen)}, but may have ${showStates(entry, states)}`);
  must(
    seen.version === entry.versions[state],
    PROMISES.versions,
    () => `${where} has ${show(seen)} as version ${seen.version}, not ${entry.versions[state]}`,
  );
  return entry;
}

/** Each once, and all that must be there; `isMeant`: whether the read asks for an entry. */
export function checkComplete(
  found: readonly Entry[],
  asked: readonly Entry[],
  presenceOf: (entry: Entry) => Presence,
  where: string,
  promise: string = PROMISES.kept,
): void {
  const seen = new Set<Entry>();
  for (const entry of found) {
    must(!seen.has(entry), PROMISES.once, () => `${where} has ${entry.mark} twice`);
    seen.add(entry);
    must(
      presenceOf(entry).may,
      promise === PROMISES.kept ? PROMISES.ends : promise,
      () => `${where} has ${entry.mark}`,
    );
  }
  for (const entry of asked)
    must(seen.has(entry) || !presenceOf(entry).must, promise, () => `${where} lacks ${entry.mark} (${entry.id})`);
}

export function checkBudget(
  answer: { readonly contexts: readonly { readonly token_count: number }[]; readonly total_tokens: number },
  maxTokens: number,
  limit: number,
): void {
  const sum = answer.contexts.reduce((tokens, { token_count }) => tokens + token_count, 0);
  must(
    answer.total_tokens <= maxTokens && sum <= answer.total_tokens && answer.contexts.length <= limit,
    PROMISES.budget,
    () =>
      `${answer.contexts.length} contexts of ${sum} tokens, ${answer.total_tokens} as told; asked for ${limit} and ${maxTokens}`,
  );
}

export function checkDescending(values: readonly number[], what: string): void {
  const wrong = values.findIndex((value, i) => i > 0 && value > values[i - 1]!);
  must(wrong === -1, PROMISES.order, () => `${what} ${values[wrong - 1]} stands before ${values[wrong]}`);
}

function show({ id, namespace, text }: Seen): string {
  return `"${text.slice(0, 60)}" (${id} of ${namespace})`;
}

function showStates(entry: Entry, states: ReadonlySet<State>): string {
  return [...states]
    .map((state) => (state === null ? 'nothing' : `"${entry.texts[state]?.slice(0, 60)}"`))
    .join(' or ');
}

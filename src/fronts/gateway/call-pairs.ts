// Services refuse calls that nobody answered, and results of calls that nobody made.

import { saidOf, textOf, type Said, type WindowMessage } from './said.ts';
import type { Entry, Group } from './shapes/shape.ts';

/**
 * Entries in which each call that a session shows has its result. A result that has no call is marked, or told as words where it is
 * the session's: a client that answers calls one by one leaves such.
 */
export function paired(entries: readonly Entry[], groups: readonly Group[]): Entry[] {
  const open = new OpenCalls();
  const orphans = entries.map(() => new Set<string>());
  entries.forEach((entry, place) => {
    for (const { toolCalls = [], role, toolCallId = '' } of saidIn(entry, groups)) {
      for (const { id } of toolCalls) open.add(id, place);
      if (role === 'tool' && !open.answer(toolCallId)) orphans[place]?.add(toolCallId);
    }
  });
  const unanswered = open.byPlace();
  return entries.flatMap((entry, place): Entry[] => {
    const alone = orphans[place];
    const ids = unanswered.get(place);
    if (!('made' in entry)) return [alone === undefined || alone.size === 0 ? entry : { ...entry, orphans: alone }];
    if (alone !== undefined && alone.size > 0) return [{ made: inWords(entry.made) }];
    return ids === undefined ? [entry] : withoutCalls(entry.made, ids);
  });
}

/** The result of a call that the model does not see. */
export function resultInWords(callId: string, text: string): string {
  return `[Result of the tool call ${callId}]\n${text}`;
}

function inWords(made: WindowMessage): WindowMessage {
  const { tool_call_id: callId = '', kind, token_count } = made;
  return { role: 'user', kind, token_count, content: resultInWords(callId, textOf(made)) };
}

function withoutCalls(made: WindowMessage, ids: ReadonlySet<string>): Entry[] {
  const { tool_calls: calls = [], ...rest } = made;
  const kept = calls.filter(({ id }) => typeof id !== 'string' || !ids.has(id));
  if (kept.length > 0) return [{ made: { ...rest, tool_calls: kept } }];
  return textOf(made).trim() === '' ? [] : [{ made: rest }];
}

function saidIn(entry: Entry, groups: readonly Group[]): readonly Said[] {
  return 'made' in entry ? [saidOf(entry.made)] : (groups[entry.group]?.said ?? []);
}

/** Some models use the same ids again: a result answers the newest call of its id. */
class OpenCalls {
  readonly #places = new Map<string, number[]>();

  add(id: string, place: number): void {
    const places = this.#places.get(id);
    if (places === undefined) this.#places.set(id, [place]);
    else places.push(place);
  }

  answer(id: string): boolean {
    return this.#places.get(id)?.pop() !== undefined;
  }

  byPlace(): Map<number, Set<string>> {
    const found = new Map<number, Set<string>>();
    for (const [id, places] of this.#places)
      for (const place of places) found.set(place, (found.get(place) ?? new Set()).add(id));
    return found;
  }
}

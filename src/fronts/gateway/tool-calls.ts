// Calls of tools as sessions keep them: OpenAI's form where it has one, else what the call has beside its id as JSON.

import { objectOf, textOr } from './json-values.ts';

export interface ToolCall {
  readonly id: string;
  readonly name: string;
  /** JSON as the model wrote it; of a custom tool its text, of other kinds what else the item has. */
  readonly arguments: string;
  /** `custom`, `function_call` (a chat's from before there were tools), or a type of item; absent: a function. */
  readonly kind?: string;
  /** What the item itself is called, where that is not what its result names. */
  readonly itemId?: string;
}

/** Of a session's message together, as JSON. */
const CALLS_UNITS_MAX = 200_000;
const CALLS_MAX = 256;
const ID_UNITS_MAX = 256;
const NAME_UNITS_MAX = 128;
/** What a call has beside what it is given. */
const FRAME_UNITS = 600;
const BEGIN_UNITS_MAX = 1_000;
/** A character may be six in JSON. */
const ESCAPED = 6;

/** A call in the words of a session, of which nothing is sure. */
export function toolCallOf(call: unknown): ToolCall {
  const { id, type, function: called, custom, name, arguments: given, item_id: itemId } = objectOf(call);
  if (type === 'custom') {
    const { name: customName, input } = objectOf(custom);
    return { id: textOr(id), name: textOr(customName), arguments: textOr(input), kind: 'custom' };
  }
  if (typeof type === 'string' && type !== 'function' && called === undefined) {
    const own = typeof itemId === 'string' ? { itemId } : {};
    return { id: textOr(id), name: textOr(name), arguments: asText(given), kind: type, ...own };
  }
  const { name: functionName, arguments: args } = objectOf(called);
  return { id: textOr(id), name: textOr(functionName), arguments: asText(args) };
}

/** As `session.append` takes it. */
export function wireCall({ id, name, arguments: given, kind, itemId }: ToolCall): Record<string, unknown> {
  if (kind === undefined) return { id, type: 'function', function: { name, arguments: given } };
  if (kind === 'custom') return { id, type: kind, custom: { name, input: given } };
  return { id, type: kind.slice(0, 64), name, arguments: given, ...(itemId !== undefined && { item_id: itemId }) };
}

/** What a session keeps of them: what some are given is cut and says so where all together are too long. The same for what was kept. */
export function keptCalls(calls: readonly ToolCall[]): readonly ToolCall[] {
  const units = calls.reduce((sum, call) => sum + call.arguments.length + call.name.length + call.id.length + 100, 0);
  if (calls.length <= CALLS_MAX && units * ESCAPED <= CALLS_UNITS_MAX) return calls;
  let kept = calls.slice(0, CALLS_MAX).map(
    (call): ToolCall => ({
      ...call,
      id: call.id.slice(0, ID_UNITS_MAX),
      name: call.name.slice(0, NAME_UNITS_MAX),
    }),
  );
  if (unitsOf(kept) <= CALLS_UNITS_MAX) return kept;
  const each = Math.max(FRAME_UNITS, Math.floor(CALLS_UNITS_MAX / kept.length) - FRAME_UNITS);
  kept = kept.map((call) => (JSON.stringify(call.arguments).length <= each ? call : cutTo(call, each)));
  while (kept.length > 1 && unitsOf(kept) > CALLS_UNITS_MAX) kept = kept.slice(0, Math.ceil(kept.length / 2));
  return kept;
}

function cutTo(call: ToolCall, units: number): ToolCall {
  const begin = call.arguments.slice(0, Math.min(BEGIN_UNITS_MAX, Math.floor(units / ESCAPED))).toWellFormed();
  const given = call.kind === 'custom' ? `${begin}\n[cut]` : JSON.stringify({ cut: true, begin });
  return { ...call, arguments: given };
}

function unitsOf(calls: readonly ToolCall[]): number {
  return JSON.stringify(calls.map(wireCall)).length;
}

/**
 * The calls of an answer that was broken off: the last one may have half of what it is given, and nobody would take it. `lost`: one
 * was left out.
 */
export function wholeCalls(calls: readonly ToolCall[]): { readonly calls: ToolCall[]; readonly lost: boolean } {
  const whole = calls.filter((call, place) =>
    call.kind === 'custom' ? place < calls.length - 1 : isJsonObject(call.arguments),
  );
  return { calls: whole, lost: whole.length < calls.length };
}

function isJsonObject(text: string): boolean {
  try {
    return typeof JSON.parse(text) === 'object';
  } catch {
    return false;
  }
}

function asText(given: unknown): string {
  return typeof given === 'string' ? given : JSON.stringify(given ?? {});
}

// Items of the Responses API in the words of sessions, and back.

import { objectOf, textOr, textTokens } from '../json-values.ts';
import { saidOf, type Said, type WindowMessage } from '../said.ts';
import type { ToolCall } from '../tool-calls.ts';
import { withOmitted } from './chat.ts';
import type { CallKinds } from './compose.ts';
import { plainKind } from './shape.ts';

export type Item = Readonly<Record<string, unknown>>;

/** What an item is in a conversation. */
export type ItemReading =
  | { readonly kind: 'said'; readonly said: Said; readonly besideTokens: number }
  /** It belongs to the answer that it stands in, before what follows it. */
  | { readonly kind: 'thought'; readonly besideTokens: number }
  | { readonly kind: 'system' }
  /** It stands for what only the client and the upstream know. */
  | { readonly kind: 'opaque'; readonly type: string; readonly besideTokens: number };

/** What a model does by itself: nobody answers it. */
const HOSTED: ReadonlySet<string> = new Set([
  'web_search_call',
  'file_search_call',
  'code_interpreter_call',
  'image_generation_call',
  'mcp_call',
  'mcp_list_tools',
]);
const APPROVAL = 'mcp_approval_request';
/** Kinds of calls whose results are a text alone. */
const TEXT_RESULTS: ReadonlySet<string> = new Set(['custom', 'local_shell_call']);
const CALL = '_call';
const OUTPUT = '_output';

export function readItem(item: Item): ItemReading {
  const { type = 'message', role, call_id: callId, id } = item;
  if (typeof type !== 'string') return opaque(item);
  if (type === 'reasoning') return { kind: 'thought', besideTokens: textTokens(item) };
  if (type === 'message') return readMessage(item, role);
  if (type.endsWith(CALL) && typeof callId === 'string')
    return said({ role: 'assistant', text: '', toolCalls: [callIn(item)] });
  if (type === APPROVAL) return said({ role: 'assistant', text: '', toolCalls: [callIn({ ...item, call_id: id })] });
  if (type === 'mcp_approval_response') {
    const text = item['approve'] === true ? 'approved' : 'refused';
    const request = textOr(item['approval_request_id']);
    return said({ role: 'tool', text, toolCallId: request, resultKind: APPROVAL });
  }
  const answered = typeof callId === 'string' ? callId : id;
  if (type.endsWith(OUTPUT) && typeof answered === 'string') return said(resultIn(item, type, answered));
  // Calls without an id to answer them by.
  if (HOSTED.has(type) || type.endsWith(CALL) || type.endsWith(OUTPUT))
    return {
      ...said({ role: 'assistant', text: '', others: [plainKind(type, 'other')] }),
      besideTokens: textTokens(item),
    };
  return opaque(item);
}

function said(what: Said): ItemReading & { readonly kind: 'said' } {
  return { kind: 'said', said: what, besideTokens: 0 };
}

function opaque(item: Item): ItemReading {
  return { kind: 'opaque', type: plainKind(item['type'] ?? item['role'], 'other'), besideTokens: textTokens(item) };
}

function readMessage(item: Item, role: unknown): ItemReading {
  if (role === 'system' || role === 'developer') return { kind: 'system' };
  if (role !== 'user' && role !== 'assistant') return opaque({ ...item, type: role });
  const { content } = item;
  if (!Array.isArray(content)) return said({ role, text: textOr(content) });
  const parts = content.map(objectOf);
  const others = parts.filter((part) => textIn(part) === null).map(({ type }) => plainKind(type, 'other'));
  const text = parts.flatMap((part) => textIn(part) ?? []).join('\n');
  return said({ role, text, ...(others.length > 0 && { others }) });
}

/** Null: it has none. */
function textIn({ type, text, refusal }: Item): string | null {
  if (type === 'refusal') return textOr(refusal);
  return type === 'input_text' || type === 'output_text' || type === 'text' ? textOr(text) : null;
}

const CUSTOM = 'custom_tool_call';
const FUNCTION = 'function_call';

/** Fields of a call that are kept apart, or differ between its beginning and its end. */
const TOLD_APART: ReadonlySet<string> = new Set(['type', 'call_id', 'id', 'status']);

function callIn(item: Item): ToolCall {
  const { type, call_id: callId, name, arguments: given, input, id } = item;
  const named = { id: textOr(callId), name: textOr(name, textOr(type)) };
  if (type === FUNCTION) return { ...named, arguments: textOr(given) };
  if (type === CUSTOM) return { ...named, arguments: textOr(input), kind: 'custom' };
  const own = { kind: plainKind(type, 'other'), ...(typeof id === 'string' && { itemId: id }) };
  const rest = Object.entries(item).filter(([field]) => !TOLD_APART.has(field));
  return { ...named, arguments: JSON.stringify(Object.fromEntries(rest)), ...own };
}

function resultIn({ output, ...item }: Item, type: string, callId: string): Said {
  const resultKind = type.slice(0, -OUTPUT.length);
  const isPlain = resultKind === FUNCTION || resultKind === CUSTOM;
  const parts = Array.isArray(output) ? output.map(objectOf) : [];
  const others = isPlain
    ? parts.flatMap((part) => (textIn(part) === null ? plainKind(part['type'], 'other') : []))
    : [];
  const text =
    typeof output === 'string'
      ? output
      : isPlain
        ? parts.flatMap((part) => textIn(part) ?? []).join('\n')
        : linesIn(output ?? item).join('\n');
  const picture = objectOf(output)['type'];
  return {
    role: 'tool',
    text,
    toolCallId: callId,
    ...(typeof picture === 'string' ? { others: [plainKind(picture, 'other')] } : others.length > 0 && { others }),
    ...(resultKind !== FUNCTION && { resultKind: resultKind === CUSTOM ? 'custom' : resultKind }),
  };
}

const LINES: ReadonlySet<string> = new Set(['text', 'stdout', 'stderr', 'output', 'content']);

/** What shells and the like tell. */
function linesIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, each]: [string, unknown]) =>
    typeof each === 'string' ? (LINES.has(name) && each !== '' ? [each] : []) : linesIn(each),
  );
}

/** Items for a message of a session. A call whose result cannot be told as it was becomes one of a function, which can. */
export function itemsOf(message: WindowMessage, calls: CallKinds): object[] {
  const { role, text, toolCalls = [], toolCallId = '' } = saidOf(message);
  const shown = withOmitted(message, text);
  if (role === 'tool') {
    const kind = calls.kindOf(toolCallId);
    const type = kind === 'custom' ? CUSTOM : kind !== undefined && TEXT_RESULTS.has(kind) ? kind : FUNCTION;
    const own = kind === 'local_shell_call' ? { id: toolCallId } : {};
    return [{ type: `${type}${OUTPUT}`, call_id: toolCallId, ...own, output: shown }];
  }
  const items: object[] = shown.trim() === '' ? [] : [{ role: role === 'assistant' ? role : 'user', content: shown }];
  return [...items, ...toolCalls.map((call) => callItem(call, calls))];
}

function callItem({ id, name, arguments: given, kind, itemId }: ToolCall, calls: CallKinds): object {
  if (kind === 'custom') return { type: CUSTOM, call_id: id, name, input: given };
  const isOwn = kind !== undefined && (TEXT_RESULTS.has(kind) || calls.isAnsweredAsSent(id));
  if (!isOwn || kind === FUNCTION) return { type: FUNCTION, call_id: id, name, arguments: given };
  const own = kind === APPROVAL ? { id } : { call_id: id, ...(itemId !== undefined && { id: itemId }) };
  return { type: kind, ...own, ...objectOf(parsed(given)), ...(kind !== APPROVAL && { status: 'completed' }) };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return {};
  }
}

/** A stand-in of a session can take its place. */
export function isTextResult({ resultKind }: Said): boolean {
  return resultKind === undefined || TEXT_RESULTS.has(resultKind);
}

import { createHash } from 'node:crypto';
import { uuidV8 } from '../../base/random.ts';
import { TEXT_CHARS_MAX } from '../../base/wire-limits.ts';
import { keptCalls, toolCallOf, wireCall, type ToolCall } from './tool-calls.ts';

export type Role = 'system' | 'user' | 'assistant' | 'tool';

/** What somebody said, in the words of sessions, whichever way a client says it. */
export interface Said {
  readonly role: Role;
  readonly text: string;
  /** Kinds of what it has beside text, such as pictures, which are not kept. */
  readonly others?: readonly string[];
  readonly name?: string;
  readonly toolCalls?: readonly ToolCall[];
  readonly toolCallId?: string;
  /** Of a tool's result: the kind of the call that it answers, where the client says it. */
  readonly resultKind?: string;
}

const OTHERS_MAX = 64;
const NAME_UNITS_MAX = 256;
/** What is compared of a text. */
const COMPARED_UNITS_MAX = 65_536;

/** The same for what is the same, whichever client tells it: blanks around a text and the spelling of arguments do not count. */
export function fingerprintOf({ role, text, others = [], toolCalls = [], toolCallId = '' }: Said): string {
  const calls = keptCalls(toolCalls).map((call) => [call.id, call.name, plainJson(call.arguments)]);
  const words = text.trim().slice(0, COMPARED_UNITS_MAX).trimEnd();
  const said: unknown[] = [role, words, calls, toolCallId.slice(0, NAME_UNITS_MAX)];
  // Where nothing else tells messages apart.
  if (words === '' && calls.length === 0 && others.length > 0) said.push(partsOf(others).map(({ type }) => type));
  return createHash('sha256').update(JSON.stringify(said)).digest('base64url').slice(0, 22);
}

/** Of what follows `previous` in a session: told again it has the same. */
export function idAfter(previous: string, scope: readonly string[], fingerprint: string): string {
  return uuidV8([...scope, previous, fingerprint]);
}

/** As `session.append` takes it; what is longer than a session keeps is cut. */
export function wireMessage(said: Said, id: string, more: object = {}): Record<string, unknown> {
  const { role, text, others = [], name, toolCalls, toolCallId } = said;
  const kept = text.slice(0, TEXT_CHARS_MAX).toWellFormed();
  const parts = partsOf(others);
  const calls = keptCalls(toolCalls ?? []).map(wireCall);
  return {
    id,
    role,
    content: parts.length === 0 ? kept : [...(kept === '' ? [] : [{ type: 'text', text: kept }]), ...parts],
    ...(name !== undefined && name !== '' && { name: name.slice(0, NAME_UNITS_MAX) }),
    ...(calls.length > 0 && { tool_calls: calls }),
    ...(toolCallId !== undefined && toolCallId !== '' && { tool_call_id: toolCallId.slice(0, NAME_UNITS_MAX) }),
    ...more,
  };
}

function partsOf(others: readonly string[]): { readonly type: string }[] {
  return others.slice(0, OTHERS_MAX).map((type) => ({ type: type.slice(0, 64) || 'other' }));
}

/** What a session tells of a message. */
export interface WindowMessage {
  readonly role: Role;
  readonly content:
    | string
    | null
    | readonly { readonly type: string; readonly text?: string; readonly omitted?: boolean }[];
  readonly kind: 'header' | 'card' | 'message' | 'memory';
  readonly token_count: number;
  readonly id?: string;
  readonly card_id?: string;
  readonly name?: string;
  readonly tool_calls?: readonly Record<string, unknown>[];
  readonly tool_call_id?: string;
}

export function saidOf({ role, content, name, tool_calls: calls, tool_call_id: toolCallId }: WindowMessage): Said {
  const parts = typeof content === 'string' ? [{ type: 'text', text: content }] : (content ?? []);
  const others = parts.filter(({ type }) => type !== 'text').map(({ type }) => type);
  return {
    role,
    text: textOf({ content }),
    ...(others.length > 0 && { others }),
    ...(name !== undefined && { name }),
    ...(calls !== undefined && { toolCalls: calls.map(toolCallOf) }),
    ...(toolCallId !== undefined && { toolCallId }),
  };
}

/** What is said in it. */
export function textOf({ content }: Pick<WindowMessage, 'content'>): string {
  return typeof content === 'string' ? content : (content ?? []).flatMap(({ text }) => text ?? []).join('\n');
}

function plainJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text));
  } catch {
    return text;
  }
}

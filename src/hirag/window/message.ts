// How a message of a conversation lies in a context: its content is the text, and what else it has stands in the metadata
// under `message`.

import type { ContextRecord, JsonObject, JsonValue } from '../../base/context.ts';
import { badRequest } from '../../base/errors.ts';
import { isSameJson } from '../../base/json.ts';
import { TEXT_CHARS_MAX } from '../../base/wire-limits.ts';
import { isBlank } from '../../base/text/blank.ts';
import { MESSAGE_KEY } from '../write/kept-message.ts';
import { MEMORY_MARK } from './memory-block.ts';

export const ROLES = ['system', 'user', 'assistant', 'tool'] as const;
export type Role = (typeof ROLES)[number];

export type ContentPart = JsonObject & { readonly type: string; readonly text?: string };
export type Content = string | null | readonly ContentPart[];

export interface MessageInput {
  readonly role: Role;
  readonly content: Content;
  readonly id?: string;
  readonly name?: string;
  /** As they came. */
  readonly toolCalls?: readonly JsonObject[];
  readonly toolCallId?: string;
  readonly createdAtMs?: number;
  readonly metadata?: JsonObject;
  readonly tags?: readonly string[];
}

/** A message as it is told again. */
export type Message = Pick<MessageInput, 'role' | 'content' | 'name' | 'toolCalls' | 'toolCallId'>;

/** `metadata.message`, in the names of the wire: filters of queries reach it. */
interface StoredPart {
  readonly type: string;
  readonly chars?: number;
  readonly omitted?: true;
}

interface StoredMessage {
  readonly role: Role;
  readonly name?: string;
  readonly tool_calls?: readonly JsonObject[];
  readonly tool_call_id?: string;
  /** Parts of the content: how many UTF-16 units of the text each has, or that it was omitted. */
  readonly parts?: readonly StoredPart[];
  /** The content where it shows nothing, and the text stands for it. */
  readonly content?: string | null;
  /** Tokens of the tool calls. */
  readonly call_tokens?: number;
  /** It is a memory block that a window made. */
  readonly memory?: true;
}

const CALL_CHARS_MAX = 256 * 1024;
/** As of the id that a result names. A session lists the ids of calls that it shows. */
const CALL_ID_CHARS_MAX = 256;
const PART_SEPARATOR = '\n';
const NO_CONTENT = '(no content)';

/** What is stored of a message. Throws `BAD_REQUEST`; `field` is where the request has it. */
export interface StoredForm {
  readonly text: string;
  readonly metadata: JsonObject;
}

export function storedFormOf(input: MessageInput, callTokens: number, field: string): StoredForm {
  const { role, name, toolCalls, toolCallId, metadata = {} } = input;
  if (MESSAGE_KEY in metadata) throw badRequest(`${field}/metadata/message`, 'is a name that the server uses itself');
  const content = textOf(input.content);
  if (content !== null && content.length > TEXT_CHARS_MAX && [...content].length > TEXT_CHARS_MAX)
    throw badRequest(`${field}/content`, `must have at most ${TEXT_CHARS_MAX} characters`);
  if (toolCalls !== undefined && JSON.stringify(toolCalls).length > CALL_CHARS_MAX)
    throw badRequest(`${field}/tool_calls`, `must have at most ${CALL_CHARS_MAX} characters as JSON`);
  toolCalls?.forEach(({ id }, place) => {
    if (typeof id === 'string' && id.length > CALL_ID_CHARS_MAX)
      throw badRequest(`${field}/tool_calls/${place}/id`, `must have at most ${CALL_ID_CHARS_MAX} characters`);
  });
  const isEmpty = content === null || isBlank(content);
  const message: StoredMessage = {
    role,
    ...(name !== undefined && { name }),
    ...(toolCalls !== undefined && { tool_calls: toolCalls, call_tokens: callTokens }),
    ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    ...(Array.isArray(input.content) && { parts: (input.content as readonly ContentPart[]).map(storedPart) }),
    ...(isEmpty && { content }),
    ...(content?.startsWith(MEMORY_MARK) === true && { memory: true as const }),
  };
  const text = isEmpty ? callsText(toolCalls) : content;
  return { text, metadata: { ...metadata, [MESSAGE_KEY]: message as unknown as JsonValue } };
}

/** What it was, or null of a context that is no message. */
export function messageOf(record: ContextRecord): Message | null {
  const stored = storedMessage(record);
  if (stored === null) return null;
  const { role, name, tool_calls: toolCalls, tool_call_id: toolCallId } = stored;
  return {
    role,
    content: contentOf(stored, record.text),
    ...(name !== undefined && { name }),
    ...(toolCalls !== undefined && { toolCalls }),
    ...(toolCallId !== undefined && { toolCallId }),
  };
}

export function isMemoryBlock(record: ContextRecord): boolean {
  return storedMessage(record)?.memory === true;
}

/** A message's metadata without what the server keeps there. */
export function ownMetadata(record: ContextRecord): JsonObject {
  return Object.fromEntries(Object.entries(record.metadata).filter(([key]) => key !== MESSAGE_KEY));
}

/** What it costs in a window: its content and its tool calls. */
export function tokensOf(record: ContextRecord): number {
  const stored = storedMessage(record);
  if (stored === null) return record.tokenCount;
  const content = stored.content === undefined ? record.tokenCount : 0;
  return Math.max(1, content + (stored.call_tokens ?? 0));
}

/** The same message, whatever else was given with it. */
export function isSameMessage(record: ContextRecord, { text, metadata }: StoredForm): boolean {
  return record.text === text && isSameJson(record.metadata[MESSAGE_KEY], metadata[MESSAGE_KEY]);
}

export function callIdsOf(toolCalls: readonly JsonObject[] | undefined): string[] {
  return (toolCalls ?? []).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
}

function storedMessage(record: ContextRecord): StoredMessage | null {
  const stored = record.metadata[MESSAGE_KEY];
  if (typeof stored !== 'object' || stored === null || Array.isArray(stored)) return null;
  const message = stored as unknown as StoredMessage;
  return ROLES.includes(message.role) && isWellFormed(message) ? message : null;
}

/** A client may store metadata of this name that no session has made. */
function isWellFormed({ content, parts = [], tool_calls: calls = [], ...rest }: StoredMessage): boolean {
  const isObject = (value: unknown): boolean => typeof value === 'object' && value !== null && !Array.isArray(value);
  return (
    isTextOrAbsent(content ?? undefined) &&
    isTextOrAbsent(rest.name) &&
    isTextOrAbsent(rest.tool_call_id) &&
    isCountOrAbsent(rest.call_tokens) &&
    Array.isArray(calls) &&
    calls.every(isObject) &&
    Array.isArray(parts) &&
    parts.every((part: StoredPart) => isObject(part) && typeof part.type === 'string' && isCountOrAbsent(part.chars))
  );
}

function isTextOrAbsent(value: unknown): boolean {
  return value === undefined || typeof value === 'string';
}

function isCountOrAbsent(value: unknown): boolean {
  return value === undefined || (Number.isSafeInteger(value) && (value as number) >= 0);
}

function textOf(content: Content): string | null {
  if (content === null || typeof content === 'string') return content;
  return content.flatMap((part) => (part.type === 'text' ? [part.text ?? ''] : [])).join(PART_SEPARATOR);
}

function storedPart(part: ContentPart): StoredPart {
  return part.type === 'text' ? { type: 'text', chars: (part.text ?? '').length } : { type: part.type, omitted: true };
}

function contentOf({ content, parts }: StoredMessage, text: string): Content {
  const whole = content === undefined ? text : content;
  if (parts === undefined) return whole;
  const rest = whole ?? '';
  const chars = parts.flatMap((part) => part.chars ?? []);
  const isAsItCame = rest.length === chars.reduce((sum, count) => sum + count, Math.max(0, chars.length - 1));
  let from = 0;
  let isFirst = true;
  return parts.map(({ type, chars: count }): ContentPart => {
    if (count === undefined) return { type, omitted: true };
    // A text that was changed since has lost where its parts were: the first one has all of it.
    const part = isAsItCame ? rest.slice(from, from + count) : isFirst ? rest : '';
    from += count + PART_SEPARATOR.length;
    isFirst = false;
    return { type, text: part };
  });
}

/** What is found of a message that only calls tools. */
function callsText(toolCalls: readonly JsonObject[] | undefined): string {
  const calls = (toolCalls ?? []).map((call) => {
    const called = call['function'] ?? call['custom'];
    const {
      name,
      arguments: given,
      input,
    } = (typeof called === 'object' && called !== null ? called : call) as JsonObject;
    return `${plain(name ?? null)}(${plain(given ?? input ?? {})})`;
  });
  const text = [...calls.join('\n')].slice(0, TEXT_CHARS_MAX).join('');
  return isBlank(text) ? NO_CONTENT : text;
}

function plain(value: JsonValue): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

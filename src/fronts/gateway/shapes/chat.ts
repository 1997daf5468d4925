import { replaceSpans } from '../json-spans.ts';
import { resultInWords } from '../call-pairs.ts';
import { objectOf, textOr, textTokens } from '../json-values.ts';
import { listIn, Pace } from '../request-json.ts';
import { saidOf, type Role, type Said, type WindowMessage } from '../said.ts';
import type { ServerSentEvent } from '../sse.ts';
import { toolCallOf, wireCall, type ToolCall } from '../tool-calls.ts';
import { composeItems, prependedItem, prependedString, type Writer } from './compose.ts';
import { BoundedText, brokenOff, plainKind, type Answer, type AnswerCapture, type Group, type Shape } from './shape.ts';

/** `POST /v1/chat/completions` */
export const CHAT: Shape = {
  dialect: 'openai',
  path: '/chat/completions',
  *read(request) {
    const { messages } = request.body;
    const list = listIn(request, 'messages');
    if (!Array.isArray(messages) || list === null) return null;
    const pace = new Pace();
    const groups: Group[] = [];
    const opaque = new Set<string>();
    const instructions: string[] = [];
    for (const [place, message] of messages.entries()) {
      const role = roleOf(message);
      const isSystem = role === 'system';
      const span = list.items[place] ?? list;
      const content = list.items[place]?.marked;
      if (pace.isDue(span.to - span.from)) yield;
      if (role === null) {
        groups.push({ span, said: [], isSystem, besideTokens: textTokens(message) });
        opaque.add(plainKind(objectOf(message)['role'], 'other'));
      } else groups.push({ span, content, said: isSystem ? [] : [saidIn(message, role)], isSystem });
      if (isSystem) instructions.push(contentOf(message).text);
    }
    return { groups, list, systemText: instructions.join('\n'), opaque: [...opaque] };
  },
  compose(text, conversation, prompt) {
    const { list } = conversation;
    return list === undefined ? text : composeItems(text, conversation, list, prompt, WRITER);
  },
  readAnswer({ choices, id }) {
    const [choice] = Array.isArray(choices) ? (choices as unknown[]) : [];
    const { message, finish_reason: reason } = objectOf(choice);
    if (typeof message !== 'object' || message === null) return null;
    const said = saidIn(message, 'assistant');
    return { said: isCut(reason) ? brokenOff(said) : said, isCut: isCut(reason), ...withId(id) };
  },
  capture: () => new ChatCapture(),
};

const WRITER: Writer = {
  made(message, calls) {
    const { role, text, name, toolCalls = [], toolCallId } = saidOf(message);
    if (toolCallId !== undefined && calls.kindOf(toolCallId) === LEGACY)
      return JSON.stringify({ role: LEGACY_ROLE, name: nameOfLegacy(toolCallId), content: withOmitted(message, text) });
    const legacy = toolCalls.find(({ kind }) => kind === LEGACY);
    const current = toolCalls.filter(({ kind }) => kind !== LEGACY).map(chatCall);
    return JSON.stringify({
      role,
      content: text === '' && toolCalls.length > 0 ? null : withOmitted(message, text),
      ...(name !== undefined && { name }),
      ...(current.length > 0 && { tool_calls: current }),
      ...(legacy !== undefined && { function_call: { name: legacy.name, arguments: legacy.arguments } }),
      ...(toolCallId !== undefined && { tool_call_id: toolCallId }),
    });
  },
  withoutResults(raw, ids) {
    const message: unknown = JSON.parse(raw);
    const [id = ''] = ids;
    return JSON.stringify({ role: 'user', content: resultInWords(id, contentOf(message).text) });
  },
  withMemory(raw, block, content) {
    if (content === undefined) return raw;
    const value = raw.slice(content.from, content.to);
    const by = value.startsWith('[')
      ? prependedItem(value, { type: 'text', text: block })
      : prependedString(value, block);
    return replaceSpans(raw, [{ ...content, by }]);
  },
  header: (text) => JSON.stringify({ role: 'system', content: text }),
};

/** A message that had a picture says so. */
export function withOmitted({ content }: WindowMessage, text: string): string {
  if (content === null || typeof content === 'string') return text;
  const omitted = content.filter(({ type }) => type !== 'text').map(({ type }) => `[${type} omitted]`);
  return [...(text === '' ? [] : [text]), ...omitted].join('\n');
}

/** Chats from before there were tools call functions, one at a time and without ids. */
const LEGACY = 'function_call';
const LEGACY_ROLE = 'function';
const LEGACY_ID = 'function:';

function nameOfLegacy(callId: string): string {
  return callId.slice(LEGACY_ID.length);
}

/** A chat knows functions and custom tools alone. */
function chatCall(call: ToolCall): object {
  if (call.kind === undefined || call.kind === 'custom') return wireCall(call);
  return wireCall({ id: call.id, name: call.name, arguments: call.arguments });
}

/** Null: none that a session knows. */
function roleOf(message: unknown): Role | null {
  const { role } = objectOf(message);
  if (role === 'developer' || role === 'system') return 'system';
  if (role === LEGACY_ROLE) return 'tool';
  return role === 'user' || role === 'assistant' || role === 'tool' ? role : null;
}

function saidIn(message: unknown, role: Role): Said {
  const { role: ownRole, name, tool_calls: calls, tool_call_id: toolCallId, function_call: legacy } = objectOf(message);
  if (ownRole === LEGACY_ROLE)
    return { role, ...contentOf(message), toolCallId: LEGACY_ID + textOr(name), resultKind: LEGACY };
  const toolCalls = [
    ...(Array.isArray(calls) ? calls.map(toolCallOf) : []),
    ...(typeof legacy === 'object' && legacy !== null ? [legacyCall(legacy)] : []),
  ];
  return {
    role,
    ...contentOf(message),
    ...(typeof name === 'string' && { name }),
    ...(toolCalls.length > 0 && { toolCalls }),
    ...(typeof toolCallId === 'string' && { toolCallId }),
  };
}

function legacyCall(call: unknown): ToolCall {
  const { name, arguments: given } = objectOf(call);
  return { id: LEGACY_ID + textOr(name), name: textOr(name), arguments: textOr(given), kind: LEGACY };
}

function contentOf(message: unknown): Pick<Said, 'text' | 'others'> {
  const { content, refusal, audio } = objectOf(message);
  const sounds = typeof audio === 'object' && audio !== null ? ['audio'] : [];
  const parts = Array.isArray(content) ? content.map(objectOf) : [];
  const others = [
    ...parts.flatMap((part) => (textIn(part) === null ? plainKind(part['type'], 'other') : [])),
    ...sounds,
  ];
  const text = Array.isArray(content)
    ? parts.flatMap((part) => textIn(part) ?? []).join('\n')
    : textOr(content, textOr(refusal));
  return { text, ...(others.length > 0 && { others }) };
}

/** Null: it has none. */
function textIn({ type, text, refusal }: Readonly<Record<string, unknown>>): string | null {
  if (type === 'refusal') return textOr(refusal);
  return type === 'text' ? textOr(text) : null;
}

/** A model that is told to stop is at its end. */
function isCut(reason: unknown): boolean {
  return reason === 'length' || reason === 'content_filter';
}

function withId(id: unknown): Pick<Answer, 'responseId'> {
  return typeof id === 'string' ? { responseId: id } : {};
}

const CALLS_MAX = 128;

interface HeardCall {
  id: string;
  name: string;
  readonly kind?: string;
  readonly given: BoundedText;
}

class ChatCapture implements AnswerCapture {
  readonly #text = new BoundedText();
  readonly #calls = new Map<number | 'legacy', HeardCall>();
  #reason: unknown = null;
  #hasSpoken = false;
  isDone = false;

  take({ data }: ServerSentEvent): void {
    if (data === '[DONE]') {
      this.isDone = true;
      return;
    }
    const { choices } = objectOf(JSON.parse(data));
    const choice = objectOf(
      (Array.isArray(choices) ? (choices as unknown[]) : []).find((each) => (objectOf(each)['index'] ?? 0) === 0),
    );
    const { delta, finish_reason: reason } = choice;
    if (typeof reason === 'string') this.#reason = reason;
    const { content, refusal, tool_calls: calls, function_call: legacy } = objectOf(delta);
    for (const piece of [content, refusal]) if (typeof piece === 'string') this.#say(piece);
    if (Array.isArray(calls)) calls.forEach((call: unknown, place) => this.#takeCall(call, place));
    if (typeof legacy === 'object' && legacy !== null) this.#hear('legacy', legacy, 'arguments', LEGACY);
  }

  #say(piece: string): void {
    this.#hasSpoken = true;
    this.#text.add(piece);
  }

  #takeCall(call: unknown, place: number): void {
    const { index, id, type, function: called, custom } = objectOf(call);
    const at = typeof index === 'number' ? index : place;
    const isCustom = type === 'custom' || (typeof custom === 'object' && custom !== null);
    const heard = isCustom ? this.#hear(at, custom, 'input', 'custom') : this.#hear(at, called, 'arguments');
    if (heard !== undefined) heard.id ||= textOr(id);
  }

  #hear(at: number | 'legacy', called: unknown, field: string, kind?: string): HeardCall | undefined {
    this.#hasSpoken = true;
    if (!this.#calls.has(at) && this.#calls.size >= CALLS_MAX) return undefined;
    const known = this.#calls.get(at) ?? {
      id: '',
      name: '',
      given: new BoundedText(),
      ...(kind !== undefined && { kind }),
    };
    this.#calls.set(at, known);
    const { name, [field]: given } = objectOf(called);
    known.name ||= textOr(name);
    known.given.add(textOr(given));
    return known;
  }

  answer(): Answer | null {
    if (!this.#hasSpoken) return null;
    const toolCalls = [...this.#calls.values()].map(({ id, name, given, kind }): ToolCall => {
      const called = kind === LEGACY ? LEGACY_ID + name : id;
      return { id: called, name, arguments: given.text, ...(kind !== undefined && { kind }) };
    });
    const said: Said = { role: 'assistant', text: this.#text.text, ...(toolCalls.length > 0 && { toolCalls }) };
    const isHalf = this.#reason === null || isCut(this.#reason);
    return { said: isHalf ? brokenOff(said) : said, isCut: isHalf || this.#text.isFull };
  }
}

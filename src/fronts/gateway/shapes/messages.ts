import { itemSpans, memberSpans, replaceSpans, valueStart } from '../json-spans.ts';
import { resultInWords } from '../call-pairs.ts';
import { objectOf, textOr, textTokens } from '../json-values.ts';
import { listIn, Pace } from '../request-json.ts';
import { saidOf, type Said } from '../said.ts';
import type { ServerSentEvent } from '../sse.ts';
import type { ToolCall } from '../tool-calls.ts';
import { withOmitted } from './chat.ts';
import { composeItems, prependedString, type Writer } from './compose.ts';
import { BoundedText, brokenOff, plainKind, type Answer, type AnswerCapture, type Group, type Shape } from './shape.ts';

/** `POST /v1/messages` */
export const MESSAGES: Shape = {
  dialect: 'anthropic',
  path: '/messages',
  *read(request) {
    const { messages, system } = request.body;
    const list = listIn(request, 'messages');
    if (!Array.isArray(messages) || list === null) return null;
    const pace = new Pace();
    const groups: Group[] = [];
    const opaque = new Set<string>();
    for (const [place, message] of messages.entries()) {
      const span = list.items[place] ?? list;
      if (pace.isDue(span.to - span.from)) yield;
      const { role } = objectOf(message);
      groups.push({
        span,
        content: list.items[place]?.marked,
        said: saidIn(message),
        isSystem: role === 'system',
        besideTokens: besideTokensIn(message),
      });
      if (role !== 'user' && role !== 'assistant' && role !== 'system') opaque.add(plainKind(role, 'other'));
    }
    return { groups, list, systemText: textOf(system), opaque: [...opaque] };
  },
  compose(text, conversation, { header, ...prompt }) {
    const { list } = conversation;
    if (list === undefined) return text;
    const composed = composeItems(text, conversation, list, { ...prompt, header: null }, WRITER);
    return header === null ? composed : withSystem(composed, header);
  },
  readAnswer(body) {
    const { role, content, stop_reason: reason, id } = body;
    if (role !== 'assistant' || !Array.isArray(content)) return null;
    const [said = { role: 'assistant', text: '' } as const] = saidIn(body);
    const isHalf = isCut(reason);
    return { said: isHalf ? brokenOff(said) : said, isCut: isHalf, ...(typeof id === 'string' && { responseId: id }) };
  },
  capture: () => new MessagesCapture(),
};

const WRITER: Writer = {
  made(message) {
    const { role, text, toolCalls = [], toolCallId } = saidOf(message);
    const shown = withOmitted(message, text);
    const blocks = shown.trim() === '' ? [] : [{ type: 'text', text: shown }];
    if (role === 'tool') {
      const result = { type: 'tool_result', tool_use_id: toolCallId ?? '', content: shown };
      return JSON.stringify({ role: 'user', content: [result] });
    }
    const calls = toolCalls.map(({ id, name, arguments: given }) => ({
      type: 'tool_use',
      id,
      name,
      input: inputOf(given),
    }));
    const content = [...blocks, ...calls];
    return content.length === 0 ? '' : JSON.stringify({ role: role === 'assistant' ? role : 'user', content });
  },
  /** Results of tools stand first in a message: what is found comes behind them. */
  withMemory(raw, block, content) {
    if (content === undefined) return raw;
    const value = raw.slice(content.from, content.to);
    if (!value.startsWith('[')) return replaceSpans(raw, [{ ...content, by: prependedString(value, block) }]);
    const blocks = itemSpans(value, 0);
    const before = blocks.find(({ from, to }) => objectOf(JSON.parse(value.slice(from, to)))['type'] !== 'tool_result');
    const at = content.from + (before?.from ?? value.length - 1);
    const item = JSON.stringify({ type: 'text', text: block });
    const by = before === undefined ? `${blocks.length > 0 ? ',' : ''}${item}` : `${item},`;
    return replaceSpans(raw, [{ from: at, to: at, by }]);
  },
  withoutResults(raw, ids) {
    const content = memberSpans(raw, valueStart(raw)).get('content');
    if (content === undefined || raw[content.from] !== '[') return raw;
    const changes = itemSpans(raw, content.from).flatMap((span) => {
      const block = objectOf(JSON.parse(raw.slice(span.from, span.to)));
      const id = textOr(block['tool_use_id']);
      if (block['type'] !== 'tool_result' || !ids.has(id)) return [];
      return [{ ...span, by: JSON.stringify({ type: 'text', text: resultInWords(id, textOf(block['content'])) }) }];
    });
    return replaceSpans(raw, changes);
  },
  header: () => '',
};

function withSystem(text: string, header: string): string {
  const start = valueStart(text);
  const system = memberSpans(text, start).get('system');
  const block = JSON.stringify({ type: 'text', text: header });
  if (system === undefined) return `${text.slice(0, start + 1)}"system":[${block}],${text.slice(start + 1)}`;
  const value = text.slice(system.from, system.to);
  if (!value.startsWith('['))
    return replaceSpans(text, [{ ...system, by: `[{"type":"text","text":${value}},${block}]` }]);
  const isEmpty = itemSpans(value, 0).length === 0;
  return replaceSpans(text, [{ from: system.to - 1, to: system.to - 1, by: isEmpty ? block : `,${block}` }]);
}

function inputOf(given: string): unknown {
  try {
    const input: unknown = JSON.parse(given === '' ? '{}' : given);
    return typeof input === 'object' && input !== null ? input : { value: input };
  } catch {
    return { value: given };
  }
}

/** A user's message may hold results of tools and words beside them; thinking is the client's and the model's alone. */
function saidIn(message: unknown): Said[] {
  const { role, content } = objectOf(message);
  if (role !== 'user' && role !== 'assistant') return [];
  const blocks = (Array.isArray(content) ? content : [{ type: 'text', text: content }]).map(objectOf);
  const text = blocks.flatMap((block) => (block['type'] === 'text' ? [textOr(block['text'])] : [])).join('\n');
  if (role === 'assistant') {
    const toolCalls = blocks.filter(({ type }) => type === 'tool_use').map(toolCallIn);
    const others = blocks.filter(({ type }) => !OF_ANSWERS.has(type)).map(({ type }) => plainKind(type, 'other'));
    return [{ role, text, ...(others.length > 0 && { others }), ...(toolCalls.length > 0 && { toolCalls }) }];
  }
  const results = blocks
    .filter(({ type }) => type === 'tool_result')
    .map((block): Said => ({ role: 'tool', text: textOf(block['content']), toolCallId: textOr(block['tool_use_id']) }));
  const others = blocks
    .filter(({ type }) => type !== 'text' && type !== 'tool_result')
    .map(({ type }) => plainKind(type, 'other'));
  const words: Said = { role, text, ...(others.length > 0 && { others }) };
  return text !== '' || others.length > 0 || results.length === 0 ? [...results, words] : results;
}

/** What an answer is made of beside what else the service does by itself. */
const OF_ANSWERS: ReadonlySet<unknown> = new Set(['text', 'tool_use', 'thinking', 'redacted_thinking']);
const COUNTED_AS_SAID: ReadonlySet<unknown> = new Set([...OF_ANSWERS, 'tool_result']);

/** Of documents, and of what the service found and did by itself. */
function besideTokensIn(message: unknown): number {
  const { role, content } = objectOf(message);
  if (role === 'system' || !Array.isArray(content)) return 0;
  const blocks = content.map(objectOf).filter(({ type }) => !COUNTED_AS_SAID.has(type));
  return blocks.reduce((sum, block) => sum + textTokens(block), 0);
}

function toolCallIn({ id, name, input }: Readonly<Record<string, unknown>>): ToolCall {
  return { id: textOr(id), name: textOr(name), arguments: JSON.stringify(input ?? {}) };
}

function textOf(content: unknown): string {
  if (!Array.isArray(content)) return textOr(content);
  return content
    .flatMap((block) => (objectOf(block)['type'] === 'text' ? [textOr(objectOf(block)['text'])] : []))
    .join('\n');
}

function isCut(reason: unknown): boolean {
  return reason === 'max_tokens' || reason === 'refusal';
}

const BLOCKS_MAX = 256;

interface HeardBlock {
  readonly type: string;
  readonly id: string;
  readonly name: string;
  readonly text: BoundedText;
  isWhole: boolean;
}

class MessagesCapture implements AnswerCapture {
  readonly #blocks = new Map<number, HeardBlock>();
  #responseId: string | null = null;
  #reason: unknown = null;
  isDone = false;

  take({ data }: ServerSentEvent): void {
    const event = objectOf(JSON.parse(data));
    const index = typeof event['index'] === 'number' ? event['index'] : 0;
    switch (event['type']) {
      case 'message_start':
        this.#responseId = textOr(objectOf(event['message'])['id']) || null;
        return;
      case 'content_block_start':
        return this.#begin(index, objectOf(event['content_block']));
      case 'content_block_delta': {
        const delta = objectOf(event['delta']);
        this.#blocks.get(index)?.text.add(textOr(delta['text']) || textOr(delta['partial_json']));
        return;
      }
      case 'content_block_stop': {
        const block = this.#blocks.get(index);
        if (block !== undefined) block.isWhole = true;
        return;
      }
      case 'message_delta':
        this.#reason = objectOf(event['delta'])['stop_reason'] ?? this.#reason;
        return;
      case 'message_stop':
        this.isDone = true;
    }
  }

  #begin(index: number, { type, id, name, text }: Readonly<Record<string, unknown>>): void {
    if (this.#blocks.size >= BLOCKS_MAX) return;
    const block = { type: textOr(type), id: textOr(id), name: textOr(name), text: new BoundedText(), isWhole: false };
    block.text.add(textOr(text));
    this.#blocks.set(index, block);
  }

  answer(): Answer | null {
    const blocks = [...this.#blocks.values()];
    const texts = blocks.filter(({ type }) => type === 'text').map(({ text }) => text.text);
    const toolCalls = blocks
      .filter(({ type }) => type === 'tool_use')
      .map(({ id, name, text, isWhole }) => ({ id, name, arguments: text.text === '' && isWhole ? '{}' : text.text }));
    const others = blocks.filter(({ type }) => !OF_ANSWERS.has(type)).map(({ type }) => plainKind(type, 'other'));
    if (texts.length === 0 && toolCalls.length === 0 && others.length === 0) return null;
    const said: Said = {
      role: 'assistant',
      text: texts.join('\n'),
      ...(others.length > 0 && { others }),
      ...(toolCalls.length > 0 && { toolCalls }),
    };
    const isHalf = this.#reason === null || isCut(this.#reason);
    return {
      said: isHalf ? brokenOff(said) : said,
      isCut: isHalf || blocks.some(({ type, text }) => type === 'text' && text.isFull),
      ...(this.#responseId !== null && { responseId: this.#responseId }),
    };
  }
}

import { replaceSpans, type Span } from '../json-spans.ts';
import { objectOf, textOr } from '../json-values.ts';
import { resultInWords } from '../call-pairs.ts';
import { listIn, Pace } from '../request-json.ts';
import type { Said } from '../said.ts';
import type { ServerSentEvent } from '../sse.ts';
import { composeItems, prependedItem, prependedString, type Writer } from './compose.ts';
import { itemsOf, readItem, type Item } from './response-items.ts';
import {
  BoundedText,
  brokenOff,
  HALF_CALL,
  type Answer,
  type AnswerCapture,
  type Conversation,
  type Group,
  type Prompt,
  type Shape,
} from './shape.ts';

/** `POST /v1/responses` */
export const RESPONSES: Shape = {
  dialect: 'openai',
  path: '/responses',
  *read(request) {
    const { input, instructions } = request.body;
    const list = listIn(request, 'input');
    if (list === null) return null;
    const systemText = textOr(instructions);
    if (typeof input === 'string') {
      const asked: Group = { span: list, said: [{ role: 'user', text: input }], isSystem: false };
      return { groups: [asked], list, systemText, opaque: [] };
    }
    if (!Array.isArray(input)) return null;
    const groups = new ItemGroups();
    const pace = new Pace();
    for (const [place, item] of input.entries()) {
      const span = list.items[place] ?? list;
      if (pace.isDue(span.to - span.from)) yield;
      groups.add(objectOf(item), span, list.items[place]?.marked);
    }
    return { groups: groups.end(), list, systemText, opaque: [...groups.opaque] };
  },
  compose(text, conversation, prompt) {
    const { list } = conversation;
    if (list === undefined) return text;
    const isString = text[list.from] === '"';
    return isString
      ? composeString(text, list, conversation, prompt)
      : composeItems(text, conversation, list, prompt, WRITER);
  },
  readAnswer: answerIn,
  capture: () => new ResponsesCapture(),
};

const WRITER: Writer = {
  made: (message, calls) =>
    itemsOf(message, calls)
      .map((item) => JSON.stringify(item))
      .join(','),
  withMemory(raw, block, content) {
    if (content === undefined) return raw;
    const value = raw.slice(content.from, content.to);
    const by = value.startsWith('[')
      ? prependedItem(value, { type: 'input_text', text: block })
      : prependedString(value, block);
    return replaceSpans(raw, [{ ...content, by }]);
  },
  withoutResults(raw) {
    const reading = readItem(objectOf(JSON.parse(raw)));
    if (reading.kind !== 'said') return raw;
    const { toolCallId = '', text } = reading.said;
    return JSON.stringify({ role: 'user', content: resultInWords(toolCallId, text) });
  },
  header: (text) => JSON.stringify({ role: 'developer', content: text }),
};

const ITEM_BEGIN = '{"role":"user","content":';

/** A question without a list stays one where nothing is put before it. */
function composeString(text: string, list: Span, conversation: Conversation, prompt: Prompt): string {
  const { entries, memory, header } = prompt;
  const raw = text.slice(list.from, list.to);
  if (header === null && entries.length === 1)
    return memory === null ? text : replaceSpans(text, [{ ...list, by: prependedString(raw, memory.block) }]);
  const item = `${ITEM_BEGIN}${raw}}`;
  const asList = replaceSpans(text, [{ ...list, by: `[${item}]` }]);
  const span = { from: list.from + 1, to: list.from + 1 + item.length };
  const content = { from: span.from + ITEM_BEGIN.length, to: span.to - 1 };
  const groups = conversation.groups.map((group) => ({ ...group, span, content }));
  return composeItems(asList, { ...conversation, groups }, { from: list.from, to: span.to + 1 }, prompt, WRITER);
}

interface OpenGroup {
  readonly from: number;
  to: number;
  /** In order: put together once, when all are there. */
  readonly said: Said[];
  besideTokens: number;
}

/** What a model answered in several items is one message; what it thought before belongs to it. */
class ItemGroups {
  readonly opaque = new Set<string>();
  readonly #groups: Group[] = [];
  #open: OpenGroup | null = null;

  add(item: Item, span: Span, content: Span | undefined): void {
    const reading = readItem(item);
    if (reading.kind === 'thought') return this.#join(null, span, reading.besideTokens);
    if (reading.kind === 'said' && reading.said.role === 'assistant')
      return this.#join(reading.said, span, reading.besideTokens);
    this.end();
    if (reading.kind === 'system') return void this.#groups.push({ span, said: [], isSystem: true });
    const { besideTokens } = reading;
    if (reading.kind === 'opaque') this.opaque.add(reading.type);
    const said = reading.kind === 'said' ? [reading.said] : [];
    this.#groups.push({ span, content, said, isSystem: false, besideTokens });
  }

  /** All so far. */
  end(): readonly Group[] {
    if (this.#open !== null) {
      const { from, to, said, besideTokens } = this.#open;
      this.#groups.push({
        span: { from, to },
        said: said.length === 0 ? [] : [joined(said)],
        isSystem: false,
        besideTokens,
      });
    }
    this.#open = null;
    return this.#groups;
  }

  #join(said: Said | null, span: Span, besideTokens: number): void {
    this.#open ??= { from: span.from, to: span.to, said: [], besideTokens: 0 };
    this.#open.to = span.to;
    this.#open.besideTokens += besideTokens;
    if (said !== null) this.#open.said.push(said);
  }
}

function joined(all: readonly Said[]): Said {
  const [first] = all;
  if (all.length === 1 && first !== undefined) return first;
  const toolCalls = all.flatMap((said) => said.toolCalls ?? []);
  const others = all.flatMap((said) => said.others ?? []);
  const text = all
    .map((said) => said.text)
    .filter((each) => each !== '')
    .join('\n');
  return {
    role: 'assistant',
    text,
    ...(others.length > 0 && { others }),
    ...(toolCalls.length > 0 && { toolCalls }),
  };
}

/** Null: nothing that is kept. Of kinds that nobody here knows it is kept that they were there. */
function answeredIn(item: Item): Said | null {
  const reading = readItem(item);
  if (reading.kind === 'opaque') return { role: 'assistant', text: '', others: [reading.type] };
  return reading.kind === 'said' && reading.said.role === 'assistant' ? reading.said : null;
}

function answerIn({ id, output, status }: Readonly<Record<string, unknown>>): Answer | null {
  if (!Array.isArray(output)) return null;
  const all = output.flatMap((item) => answeredIn(objectOf(item)) ?? []);
  if (all.length === 0) return null;
  const said = joined(all);
  const isCut = status !== 'completed' && status !== undefined;
  return {
    said: isCut ? brokenOff(said) : said,
    isCut,
    ...(typeof id === 'string' && { responseId: id }),
  };
}

/** What is kept of an answer that does not come to its end. */
const HEARD_UNITS_MAX = 524_288;

class ResponsesCapture implements AnswerCapture {
  /** Of the message that is being said. */
  #text = new BoundedText();
  /** What came whole. */
  readonly #said: Said[] = [];
  #saidUnits = 0;
  #isCalling = false;
  #responseId: string | null = null;
  #whole: Answer | null = null;
  isDone = false;

  take({ data }: ServerSentEvent): void {
    const event = objectOf(JSON.parse(data));
    const response = objectOf(event['response']);
    switch (event['type']) {
      case 'response.created':
        this.#responseId = textOr(response['id']) || null;
        return;
      case 'response.output_text.delta':
      case 'response.refusal.delta':
        return this.#text.add(textOr(event['delta']));
      case 'response.output_item.added': {
        const said = answeredIn(objectOf(event['item']));
        this.#isCalling = said?.toolCalls !== undefined;
        return;
      }
      case 'response.output_item.done':
        return this.#takeItem(answeredIn(objectOf(event['item'])));
      case 'response.completed':
      case 'response.incomplete':
      case 'response.failed':
        this.#whole = answerIn(response);
        this.isDone = true;
    }
  }

  #takeItem(said: Said | null): void {
    this.#text = new BoundedText();
    this.#isCalling = false;
    if (said === null || this.#saidUnits > HEARD_UNITS_MAX) return;
    this.#saidUnits += JSON.stringify(said).length;
    this.#said.push(said);
  }

  /** The last event has all of it; where it did not come, there is what was heard. */
  answer(): Answer | null {
    if (this.#whole !== null) return this.#whole;
    const text = this.#text.text;
    const all = [...this.#said];
    if (text !== '') all.push({ role: 'assistant', text });
    if (this.#isCalling) all.push({ role: 'assistant', text: '', others: [HALF_CALL] });
    if (all.length === 0) return null;
    const said = joined(all);
    const id = this.#responseId === null ? {} : { responseId: this.#responseId };
    return { said, isCut: true, ...id };
  }
}

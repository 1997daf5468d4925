import { itemSpans, memberSpans, replaceSpans, valueStart, type Span } from '../json-spans.ts';
import { objectOf, textOr } from '../json-values.ts';
import { resultInWords } from '../call-pairs.ts';
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
  read(text, { input, instructions }) {
    const list = memberSpans(text, valueStart(text)).get('input');
    if (list === undefined) return null;
    const systemText = textOr(instructions);
    if (typeof input === 'string') {
      const asked: Group = { span: list, said: [{ role: 'user', text: input }], isSystem: false };
      return { groups: [asked], systemText, opaque: [] };
    }
    if (!Array.isArray(input)) return null;
    const groups = new ItemGroups();
    const spans = itemSpans(text, list.from);
    input.forEach((item, place) => groups.add(objectOf(item), spans[place] ?? { from: 0, to: 0 }));
    return { groups: groups.end(), systemText, opaque: [...groups.opaque] };
  },
  compose(text, conversation, prompt) {
    const list = memberSpans(text, valueStart(text)).get('input');
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
  withMemory(raw, block) {
    const content = memberSpans(raw, valueStart(raw)).get('content');
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

/** A question without a list stays one where nothing is put before it. */
function composeString(text: string, list: Span, conversation: Conversation, prompt: Prompt): string {
  const { entries, memory, header } = prompt;
  const raw = text.slice(list.from, list.to);
  if (header === null && entries.length === 1)
    return memory === null ? text : replaceSpans(text, [{ ...list, by: prependedString(raw, memory.block) }]);
  const item = `{"role":"user","content":${raw}}`;
  const asList = replaceSpans(text, [{ ...list, by: `[${item}]` }]);
  const span = { from: list.from + 1, to: list.from + 1 + item.length };
  const groups = conversation.groups.map((group) => ({ ...group, span }));
  return composeItems(asList, { ...conversation, groups }, { from: list.from, to: span.to + 1 }, prompt, WRITER);
}

interface OpenGroup {
  readonly from: number;
  to: number;
  said: Said | null;
  besideTokens: number;
}

/** What a model answered in several items is one message; what it thought before belongs to it. */
class ItemGroups {
  readonly opaque = new Set<string>();
  readonly #groups: Group[] = [];
  #open: OpenGroup | null = null;

  add(item: Item, span: Span): void {
    const reading = readItem(item);
    if (reading.kind === 'thought') return this.#join(null, span, reading.besideTokens);
    if (reading.kind === 'said' && reading.said.role === 'assistant')
      return this.#join(reading.said, span, reading.besideTokens);
    this.end();
    if (reading.kind === 'system') return void this.#groups.push({ span, said: [], isSystem: true });
    const { besideTokens } = reading;
    if (reading.kind === 'opaque') this.opaque.add(reading.type);
    const said = reading.kind === 'said' ? [reading.said] : [];
    this.#groups.push({ span, said, isSystem: false, besideTokens });
  }

  /** All so far. */
  end(): readonly Group[] {
    if (this.#open !== null) {
      const { from, to, said, besideTokens } = this.#open;
      this.#groups.push({ span: { from, to }, said: said === null ? [] : [said], isSystem: false, besideTokens });
    }
    this.#open = null;
    return this.#groups;
  }

  #join(said: Said | null, span: Span, besideTokens: number): void {
    this.#open ??= { from: span.from, to: span.to, said: null, besideTokens: 0 };
    this.#open.to = span.to;
    this.#open.besideTokens += besideTokens;
    if (said !== null) this.#open.said = joined(this.#open.said, said);
  }
}

function joined(one: Said | null, other: Said): Said {
  if (one === null) return other;
  const toolCalls = [...(one.toolCalls ?? []), ...(other.toolCalls ?? [])];
  const others = [...(one.others ?? []), ...(other.others ?? [])];
  const text = [one.text, other.text].filter((each) => each !== '').join('\n');
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
  const said = output.reduce<Said | null>((all, item) => {
    const each = answeredIn(objectOf(item));
    return each === null ? all : joined(all, each);
  }, null);
  if (said === null) return null;
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
  #said: Said | null = null;
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
    this.#said = joined(this.#said, said);
  }

  /** The last event has all of it; where it did not come, there is what was heard. */
  answer(): Answer | null {
    if (this.#whole !== null) return this.#whole;
    const text = this.#text.text;
    let said = this.#said;
    if (text !== '') said = joined(said, { role: 'assistant', text });
    if (this.#isCalling) said = joined(said, { role: 'assistant', text: '', others: [HALF_CALL] });
    if (said === null) return null;
    const id = this.#responseId === null ? {} : { responseId: this.#responseId };
    return { said, isCut: true, ...id };
  }
}

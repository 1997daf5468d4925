import { memberSpans, replaceSpans, valueStart, type Span } from '../json-spans.ts';
import { saidOf, textOf, type WindowMessage } from '../said.ts';
import type { Conversation, Entry, Group, Prompt } from './shape.ts';

/** How a shape writes what stands in its list of messages. */
export interface Writer {
  /** JSON of one or more items, without brackets; empty: there is nothing to say. */
  made(message: WindowMessage, calls: CallKinds): string;
  /** The item of a client with a block put into its user message, whose content stands there; undefined: it has none. */
  withMemory(raw: string, block: string, content: Span | undefined): string;
  /** The item of a client with the results of these calls told in words. */
  withoutResults(raw: string, ids: ReadonlySet<string>): string;
  header(text: string): string;
}

/** What a prompt's calls of tools are, by their ids. */
export interface CallKinds {
  /** Undefined: a function. */
  kindOf(callId: string): string | undefined;
  /** Its result stands there as the client sent it. */
  isAnsweredAsSent(callId: string): boolean;
}

/** The items of a prompt in place of those of the request. */
export function composeItems(
  text: string,
  { groups }: Conversation,
  list: Span,
  { entries, memory, header }: Prompt,
  writer: Writer,
): string {
  const isAsItCame =
    header === null &&
    entries.length === groups.length &&
    entries.every((entry, place) => 'group' in entry && entry.group === place && entry.orphans === undefined);
  const rawOf = (place: number): string => {
    const span = groups[place]?.span ?? { from: 0, to: 0 };
    return text.slice(span.from, span.to);
  };
  if (isAsItCame) {
    if (memory === null) return text;
    const span = groups[memory.entry]?.span;
    if (span === undefined) return text;
    const by = writer.withMemory(rawOf(memory.entry), memory.block, contentIn(groups[memory.entry]));
    return replaceSpans(text, [{ ...span, by }]);
  }
  const calls = callKinds(entries, groups);
  const written = entries.map((entry, place) => {
    const block = memory?.entry === place ? memory.block : null;
    if ('made' in entry) return writer.made(block === null ? entry.made : withBlock(entry.made, block), calls);
    const sent = rawOf(entry.group);
    const raw = entry.orphans === undefined ? sent : writer.withoutResults(sent, entry.orphans);
    if (block === null) return raw;
    const content = entry.orphans === undefined ? contentIn(groups[entry.group]) : contentOf(raw);
    return writer.withMemory(raw, block, content);
  });
  const first = entries.findIndex((entry) => !('group' in entry) || groups[entry.group]?.isSystem !== true);
  if (header !== null) written.splice(first < 0 ? written.length : first, 0, writer.header(header));
  return replaceSpans(text, [{ ...list, by: `[${written.filter((item) => item !== '').join(',')}]` }]);
}

/** Within the item. */
function contentIn(group: Group | undefined): Span | undefined {
  if (group?.content === undefined) return undefined;
  const { span, content } = group;
  return { from: content.from - span.from, to: content.to - span.from };
}

function contentOf(raw: string): Span | undefined {
  return memberSpans(raw, valueStart(raw)).get('content');
}

function callKinds(entries: readonly Entry[], groups: readonly Group[]): CallKinds {
  const kinds = new Map<string, string>();
  const asSent = new Set<string>();
  for (const entry of entries)
    for (const { toolCalls = [], toolCallId } of 'made' in entry
      ? [saidOf(entry.made)]
      : (groups[entry.group]?.said ?? [])) {
      for (const { id, kind } of toolCalls) if (kind !== undefined) kinds.set(id, kind);
      if (toolCallId !== undefined && !('made' in entry)) asSent.add(toolCallId);
    }
  return { kindOf: (id) => kinds.get(id), isAnsweredAsSent: (id) => asSent.has(id) };
}

function withBlock(message: WindowMessage, block: string): WindowMessage {
  return { ...message, content: `${block}\n\n${textOf(message)}` };
}

/** A string's JSON with a text before what it says, which stays as it was written. */
export function prependedString(raw: string, before: string): string {
  // What is no string is for the upstream to refuse.
  return raw.startsWith('"') ? JSON.stringify(`${before}\n\n`).slice(0, -1) + raw.slice(1) : raw;
}

/** A list's JSON with an item at its beginning. */
export function prependedItem(raw: string, item: object): string {
  const rest = raw.slice(1).trimStart();
  return `[${JSON.stringify(item)}${rest.startsWith(']') ? '' : ','}${rest}`;
}

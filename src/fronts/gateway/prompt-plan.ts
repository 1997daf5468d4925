// What is sent in place of what a client sent: its own messages where they fit and are all there is, else the session's window, in
// which each message that the client sent stands as the client sent it.

import type { Recognition } from './recognition.ts';
import { paired } from './call-pairs.ts';
import { saidOf, type Said, type WindowMessage } from './said.ts';
import { isTextResult } from './shapes/response-items.ts';
import type { Conversation, Entry, Prompt } from './shapes/shape.ts';

/** Something that somebody said, and in which group of the request. */
export interface Told {
  readonly said: Said;
  readonly group: number;
  /** See `fingerprintOf`. */
  readonly fingerprint: string;
  /** About what it costs. */
  readonly tokens: number;
}

export interface PlanInput {
  readonly conversation: Conversation;
  readonly told: readonly Told[];
  /** About what instructs the model costs. */
  readonly systemTokens: number;
  /** Messages of the window, and cards that stand in the place of one. */
  readonly shown: readonly WindowMessage[];
  readonly recognition: Recognition;
  /** Cards before them, the oldest first. */
  readonly cards: readonly WindowMessage[];
  readonly header: WindowMessage | null;
  readonly memory: WindowMessage | null;
  /** Messages have left the window. */
  readonly hasArchived: boolean;
  /** The client names the message that it goes on from, and tells nothing of what was before. */
  readonly continues: boolean;
  readonly maxTokens: number;
}

export interface Plan {
  readonly prompt: Prompt;
  /** Messages of the client went, or others came. */
  readonly isReplaced: boolean;
  /** About what it costs. */
  readonly tokens: number;
}

/** What is left out when a model repeats itself. */
export const STRIPS = ['recall', 'cards', 'exchange'] as const;
export type Strip = (typeof STRIPS)[number];

/** A client that tells so many messages which the session does not know tells a story of its own. */
const OWN_STORY_MIN = 3;

/** What stands or falls together: a message, or calls of tools with their results. */
interface Block {
  readonly entries: Entry[];
  readonly role: string;
  tokens: number;
  /** The question itself, or what nothing can take the place of. */
  isKept: boolean;
}

/** `strip`: what is left out beside. */
export function planPrompt(input: PlanInput, strip: Strip | null = null): Plan {
  const { conversation, told, header, maxTokens } = input;
  const systemTokens = input.systemTokens + (header?.token_count ?? 0);
  const asked = told.findLastIndex(({ said }) => said.role === 'user');
  const toldTokens = tokensOfTold(input);
  const left = maxTokens - systemTokens;
  const ownTokens =
    sumOf(toldTokens, 0, toldTokens.length) +
    conversation.groups.reduce((sum, { besideTokens = 0 }) => sum + besideTokens, 0);
  const isOpaque = conversation.opaque.length > 0;
  const isWhole = isOpaque ? !input.continues : strip !== 'exchange' && ownTokens <= left && tellsAll(input);
  const memory = strip === null ? input.memory : null;
  if (isWhole) {
    const entries = conversation.groups.map((_, group): Entry => ({ group }));
    return finished(input, entries, memory, left - ownTokens, systemTokens + ownTokens, false);
  }
  const cards = strip === null || strip === 'recall' ? [...input.cards] : [];
  // Without a question of the client's own there is no exchange to send alone.
  const isExchange = strip === 'exchange' && asked >= 0 && !isOpaque;
  const all = isExchange ? blocksFrom(input, toldTokens, asked) : blocksOf(input, toldTokens, asked);
  const blocks = withoutOldest(all, left - keepNewest(cards, left - tokensIn(all)));
  // Nobody answers before anything was asked.
  const begin = cards.length > 0 ? 0 : blocks.findIndex(({ role, isKept }) => role === 'user' || isKept);
  blocks.splice(0, begin < 0 ? blocks.length - 1 : begin);
  const tokens = tokensIn(blocks) + cards.reduce((total, card) => total + card.token_count, 0);
  const system = conversation.groups.flatMap(({ isSystem }, group) => (isSystem ? [{ group }] : []));
  const entries: Entry[] = [...system, ...cards.map((made) => ({ made })), ...blocks.flatMap((block) => block.entries)];
  return finished(input, paired(entries, conversation.groups), memory, left - tokens, systemTokens + tokens, true);
}

/** All that the session shows is among what the client tells, and nothing of it has left the window. */
function tellsAll({ told, shown, recognition, hasArchived, continues }: PlanInput): boolean {
  const { run, newFrom, shownEnd } = recognition;
  if (shown.length === 0 && !hasArchived) return true;
  if (run === 0) return !continues && told.length >= OWN_STORY_MIN;
  return newFrom > run ? !hasArchived : run === shownEnd && !hasArchived;
}

function tokensOfTold({ told, shown, recognition }: PlanInput): number[] {
  const { newFrom, run, shownEnd } = recognition;
  return told.map(({ tokens }, place) => {
    const message = place < newFrom && place >= newFrom - run ? shown[shownEnd - newFrom + place] : undefined;
    return message?.kind === 'message' ? message.token_count : tokens;
  });
}

/** The window's own messages that the client did not send, then those of the client. */
function blocksOf(input: PlanInput, toldTokens: readonly number[], asked: number): Block[] {
  const { told, shown, recognition, maxTokens, conversation } = input;
  const { newFrom, run, shownEnd } = recognition;
  const blocks = new Blocks();
  for (const message of shown.slice(0, shownEnd - run)) blocks.addMade(message);
  let place = newFrom - run;
  while (place < told.length) {
    const group = told[place]?.group ?? 0;
    const end = endOfGroup(told, place);
    const tokens = sumOf(toldTokens, place, end);
    const isAsked = asked >= place && asked < end;
    const standIns = shown.slice(shownEnd - newFrom + place, Math.min(shownEnd, shownEnd - newFrom + end));
    // What is too long for the window stands there as a card; a question goes as it is, where there is room for it alone.
    const asCards =
      standIns.some(({ kind }) => kind === 'card') &&
      !(isAsked && tokens <= maxTokens / 2) &&
      told.slice(place, end).every(({ said }) => isTextResult(said));
    if (asCards && place < newFrom) for (const message of standIns) blocks.addMade(message, isAsked);
    else addGroups(blocks, input, place, group, tokens, isAsked || conversation.opaque.length > 0);
    place = end;
  }
  addRest(blocks, input);
  return blocks.all;
}

/** From the question on. */
function blocksFrom(input: PlanInput, toldTokens: readonly number[], asked: number): Block[] {
  const blocks = new Blocks();
  const { told } = input;
  let place = told.findIndex(({ group }) => group === told[Math.max(0, asked)]?.group);
  while (place >= 0 && place < told.length) {
    const end = endOfGroup(told, place);
    const isAsked = asked >= place && asked < end;
    addGroups(blocks, input, place, told[place]?.group ?? 0, sumOf(toldTokens, place, end), isAsked);
    place = end;
  }
  addRest(blocks, input);
  return blocks.all;
}

/** With groups before it in which nobody says anything that a session knows. */
function addGroups(
  blocks: Blocks,
  { told, conversation: { groups } }: PlanInput,
  place: number,
  group: number,
  tokens: number,
  isKept: boolean,
): void {
  const before = place === 0 ? -1 : (told[place - 1]?.group ?? -1);
  let from = group;
  while (from - 1 > before && groups[from - 1]?.isSystem === false) from--;
  for (let each = from; each < group; each++)
    blocks.add({ group: each }, [SILENT], groups[each]?.besideTokens ?? 0, isKept);
  const beside = groups[group]?.besideTokens ?? 0;
  blocks.add({ group }, groups[group]?.said ?? [], tokens + beside, isKept);
}

/** Groups behind all that is said. */
function addRest(blocks: Blocks, { told, conversation: { groups } }: PlanInput): void {
  for (let group = (told.at(-1)?.group ?? -1) + 1; group < groups.length; group++)
    if (groups[group]?.isSystem === false) blocks.add({ group }, [SILENT], groups[group]?.besideTokens ?? 0, true);
}

/** What is passed on with what follows it. */
const SILENT: Said = { role: 'assistant', text: '' };

/** What is sent in order, put together so that no call stands without its result. */
class Blocks {
  readonly all: Block[] = [];
  /** Where calls stand that wait for their results. */
  readonly #callers = new Map<string, { place: number }>();

  addMade(made: WindowMessage, isKept = false): void {
    this.add({ made }, [saidOf(made)], made.token_count, isKept);
  }

  add(entry: Entry, said: readonly Said[], tokens: number, isKept: boolean): void {
    const role = said[0]?.role ?? 'user';
    const answered = said.flatMap(({ toolCallId }) => (toolCallId === undefined ? [] : toolCallId));
    const places = answered.flatMap((id) => this.#callers.get(id)?.place ?? []);
    const place = role === 'tool' ? Math.min(this.all.length - 1, ...places) : -1;
    if (place < 0) this.all.push({ entries: [entry], role, tokens, isKept });
    else this.#join(place, { entries: [entry], role, tokens, isKept });
    for (const id of answered) this.#callers.delete(id);
    for (const { id } of said.flatMap(({ toolCalls = [] }) => toolCalls))
      this.#callers.set(id, { place: this.all.length - 1 });
  }

  /** All from there on become one. */
  #join(place: number, block: Block): void {
    const [caller, ...later] = this.all.splice(place);
    if (caller === undefined) return;
    for (const { entries, tokens, isKept } of [...later, block]) {
      caller.entries.push(...entries);
      caller.tokens += tokens;
      caller.isKept ||= isKept;
    }
    this.all.push(caller);
    if (later.length > 0) for (const open of this.#callers.values()) open.place = Math.min(open.place, place);
  }
}

function tokensIn(blocks: readonly Block[]): number {
  return blocks.reduce((sum, { tokens }) => sum + tokens, 0);
}

/** Takes cards away from the oldest on until the rest is within `left`, and returns what that costs. */
function keepNewest(cards: WindowMessage[], left: number): number {
  let tokens = cards.reduce((sum, card) => sum + card.token_count, 0);
  let dropped = 0;
  while (tokens > left && dropped < cards.length) tokens -= cards[dropped++]?.token_count ?? 0;
  cards.splice(0, dropped);
  return tokens;
}

/** Those that fit: the question and the newest stay. A client may tell of a hundred thousand: each is looked at once. */
function withoutOldest(blocks: readonly Block[], left: number): Block[] {
  let tokens = tokensIn(blocks);
  return blocks.filter((block, place) => {
    if (tokens <= left || block.isKept || place === blocks.length - 1) return true;
    tokens -= block.tokens;
    return false;
  });
}

function finished(
  { conversation, header }: PlanInput,
  entries: readonly Entry[],
  memory: WindowMessage | null,
  left: number,
  tokens: number,
  isReplaced: boolean,
): Plan {
  const entry = entries.findLastIndex((each) =>
    'made' in each
      ? each.made.role === 'user' && each.made.kind === 'message'
      : conversation.groups[each.group]?.said.some(({ role }) => role === 'user') === true,
  );
  const block = typeof memory?.content === 'string' ? memory.content : '';
  const isShown = memory !== null && block !== '' && entry >= 0 && memory.token_count < left;
  const headerText = typeof header?.content === 'string' ? header.content : null;
  return {
    prompt: { entries, memory: isShown ? { entry, block } : null, header: headerText },
    isReplaced,
    tokens: tokens + (isShown ? memory.token_count : 0),
  };
}

function endOfGroup(told: readonly Told[], place: number): number {
  let end = place + 1;
  while (end < told.length && told[end]?.group === told[place]?.group) end++;
  return end;
}

function sumOf(values: readonly number[], from: number, to: number): number {
  return values.slice(from, to).reduce((sum, value) => sum + value, 0);
}

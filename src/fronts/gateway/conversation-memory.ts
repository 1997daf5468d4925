import type { AskOptions, CallerDoor } from '../../api/caller.ts';
import type { Clock } from '../../base/clock.ts';
import { toCodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import { inTurns, type LoopTurns } from '../../base/loop-turns.ts';
import { recentEntries } from '../../base/recent-entries.ts';
import type { Settings } from '../../config/settings.ts';
import {
  answerMessage,
  answersIn,
  contextOf,
  conversationOf,
  freshOf,
  NO_SESSION,
  NOTHING_KNOWN,
  plainText,
  type Place,
  scopeOf,
  sessionKeyOf,
} from './conversation-messages.ts';
import { ConversationStore, unitsOf, type StoreStep } from './conversation-store.ts';
import { messageOfCard } from '../../base/card-ids.ts';
import { roughTokens } from './json-values.ts';
import { planPrompt, type Plan, type PlanInput, type Strip, type Told } from './prompt-plan.ts';
import { recognise, type Recognition, type Shown } from './recognition.ts';
import { Pace } from './request-json.ts';
import type { ResponsePlaces } from './response-places.ts';
import { fingerprintOf, idAfter, saidOf, type WindowMessage } from './said.ts';
import type { Answer, Conversation } from './shapes/shape.ts';

export interface ConversationMemoryDeps {
  readonly door: Pick<CallerDoor, 'ask'>;
  readonly places: Pick<ResponsePlaces, 'note'>;
  readonly clock: Clock;
  readonly log: Log;
  readonly window: Settings['window'];
  readonly recallSessions: Settings['gateway']['recallSessions'];
  /** For what takes long. */
  readonly turns: LoopTurns;
  /** How long a request waits. */
  readonly timeoutMs: number;
}

interface WindowReply {
  readonly messages: readonly WindowMessage[];
  readonly window: { readonly max_tokens: number; readonly pressure: number; readonly archived_messages: number };
  readonly recalled: readonly { readonly id: string }[];
  readonly degraded: readonly unknown[];
}

/** What memory makes of one request. */
export interface Prepared {
  readonly place: Place;
  /** Null: memory failed, and the request goes as it came. */
  readonly plan: ((strip: Strip | null) => Plan) | null;
  readonly recalled: readonly string[];
  readonly pressure: number | null;
  /** What was said that the session does not have, with ids. */
  readonly fresh: readonly Record<string, unknown>[];
  /** Of the last message before the answer. */
  readonly lastId: string;
  /** An answer that the client began, which the model goes on with. */
  readonly prefill: string;
  /** By which what is said without a session is told apart. */
  readonly conversationId: string;
  /** What the assistant said before, each once, the newest last. */
  readonly answers: readonly string[];
}

const QUERY_UNITS_MAX = 8_192;
const WINDOW_TOKENS_MIN = 64;
const STORED_AT_ONCE = 100;
const UNITS_AT_ONCE = 524_288;
const KNOWN_SESSIONS_MAX = 10_000;

/** Reads what a conversation needs of memory, and stores what is said in it. */
export class ConversationMemory {
  readonly #deps: ConversationMemoryDeps;
  /** What sessions may send at most, as last told. */
  readonly #maxTokens = recentEntries<number>(KNOWN_SESSIONS_MAX);
  readonly #store: ConversationStore;

  constructor(deps: ConversationMemoryDeps) {
    this.#deps = deps;
    this.#store = new ConversationStore(deps.door);
  }

  /** Never rejects: what fails is told in `plan`. */
  async prepare(place: Place, conversation: Conversation): Promise<Prepared> {
    const { turns } = this.#deps;
    const all = await inTurns(toldIn(conversation), turns);
    const last = all.at(-1);
    const prefill = last?.said.role === 'assistant' && last.said.toolCalls === undefined ? last.said.text : '';
    try {
      await this.#stored(place);
      const reply = await this.#window(place, conversation, all);
      return await this.#prepared(place, conversation, all, reply, prefill);
    } catch (error) {
      const { code } = toCodedError(error);
      this.#deps.log.warn(
        { code, key: place.caller.principal.keyId },
        'a request at the gateway goes on without memory',
      );
      const { fresh, lastId } = await freshOf(place, all, NOTHING_KNOWN, '', prefill !== '', turns);
      return {
        place,
        plan: null,
        recalled: [],
        pressure: null,
        fresh,
        lastId,
        prefill,
        conversationId: conversationOf(place, all),
        answers: answersIn([], begunBefore(all, prefill), NOTHING_KNOWN),
      };
    }
  }

  /**
   * What was asked, and then what was answered; one after the other in a session. Rejects where memory fails, and with
   * `OVERLOADED` where too much waits to be stored.
   */
  async store(prepared: Prepared, answer: Answer | null): Promise<void> {
    const { place } = prepared;
    this.#note(prepared, answer);
    return this.#store.store(
      place,
      place.sessionId === null ? stepsAtLarge(prepared, answer) : stepsIn(place.sessionId, prepared, answer),
    );
  }

  #note(prepared: Prepared, answer: Answer | null): void {
    const { sessionId, caller } = prepared.place;
    if (answer?.responseId === undefined || sessionId === null) return;
    const messageId = String(answerMessage(prepared, answer)['id']);
    this.#deps.places.note(caller, answer.responseId, { sessionId, messageId });
  }

  /** Resolves when nothing is being stored any more. */
  idle(): Promise<void> {
    return this.#store.idle();
  }

  get storing(): number {
    return this.#store.sessions;
  }

  /** No longer than anything else of memory. */
  async #stored(place: Place): Promise<void> {
    const storing = this.#store.storingAt(place);
    if (storing === undefined) return;
    const late = Promise.withResolvers<void>();
    const cancel = this.#deps.clock.after(this.#deps.timeoutMs, late.resolve);
    await Promise.race([storing, late.promise]);
    cancel();
  }

  async #window(place: Place, { systemText }: Conversation, told: readonly Told[]): Promise<WindowReply> {
    const { sessionId } = place;
    const key = sessionKeyOf(place);
    const assumed = this.#maxTokens.get(key) ?? this.#deps.window.maxTokens;
    const answered = told.findLastIndex(({ said }) => said.role === 'assistant');
    const taken = told.slice(answered + 1).reduce((sum, { tokens }) => sum + tokens, roughTokens(systemText));
    const question = told.findLast(({ said }) => said.role === 'user' && said.text.trim() !== '')?.said.text;
    const own = sessionId === null ? conversationOf(place, told) : null;
    const payload = {
      session_id: sessionId ?? NO_SESSION,
      max_tokens: Math.max(WINDOW_TOKENS_MIN, assumed - taken),
      ...(question !== undefined && { query: question.slice(0, QUERY_UNITS_MAX).toWellFormed() }),
      ...this.#recall(sessionId, own),
    };
    const { caller, address, signal } = place;
    const { door, timeoutMs } = this.#deps;
    const options: AskOptions = { door: 'gateway', address, timeoutMs, isCounted: true, signal };
    const reply = (await door.ask(caller, 'session.window', payload, options)) as WindowReply;
    this.#maxTokens.set(key, reply.window.max_tokens);
    return reply;
  }

  /** `conversation`: without a session, what is said in it is with the client. */
  #recall(sessionId: string | null, conversation: string | null): object {
    if (this.#deps.recallSessions === 'own') {
      if (sessionId === null) return { recall: false };
      // Nor what was stored without a session.
      return { recall: { sessions: 'own', filter: { must: [{ key: 'session_id', match: { value: sessionId } }] } } };
    }
    if (conversation === null) return {};
    return { recall: { filter: { must_not: [{ key: 'metadata.conversation', match: { value: conversation } }] } } };
  }

  async #prepared(
    place: Place,
    conversation: Conversation,
    all: readonly Told[],
    reply: WindowReply,
    prefill: string,
  ): Promise<Prepared> {
    const { messages, window, recalled } = reply;
    const shown = messages.filter(isShown);
    const compared = shown.map(comparedOf);
    const told = begunBefore(all, prefill).map(({ said, fingerprint }) => ({ role: said.role, fingerprint }));
    const recognition = place.after === undefined ? recognise(compared, told) : after(compared, place.after);
    const previous = (
      recognition.run > 0 || place.after !== undefined ? compared[recognition.shownEnd - 1] : compared.at(-1)
    )?.id;
    const input: PlanInput = {
      conversation,
      told: all,
      systemTokens: roughTokens(conversation.systemText),
      shown,
      recognition,
      cards: messages.filter((message) => message.kind === 'card' && !isShown(message)),
      header: messages.find(({ kind }) => kind === 'header') ?? null,
      memory: messages.find(({ kind }) => kind === 'memory') ?? null,
      hasArchived: window.archived_messages > 0,
      continues: place.after !== undefined,
      maxTokens: window.max_tokens,
    };
    return {
      place,
      plan: (strip) => planPrompt(input, strip),
      recalled: recalled.map(({ id }) => id),
      pressure: place.sessionId === null ? null : window.pressure,
      ...(await freshOf(place, all, recognition, place.after ?? previous ?? '', prefill !== '', this.#deps.turns)),
      prefill,
      conversationId: conversationOf(place, all),
      answers: answersIn(shown, begunBefore(all, prefill), recognition),
    };
  }
}

function stepsIn(sessionId: string, prepared: Prepared, answer: Answer | null): StoreStep[] {
  const messages = [...prepared.fresh, ...(answer === null ? [] : [answerMessage(prepared, answer)])];
  return inPieces(messages).map((some) => ({
    type: 'session.append',
    payload: { session_id: sessionId, messages: some },
  }));
}

/** What goes to the memory together: so many, and no more than it takes without holding others up. */
function inPieces<T>(all: readonly T[]): T[][] {
  const pieces: T[][] = [];
  let units = 0;
  for (const each of all) {
    const own = unitsOf(each);
    const last = pieces.at(-1);
    if (last === undefined || last.length >= STORED_AT_ONCE || units + own > UNITS_AT_ONCE) {
      pieces.push([each]);
      units = own;
    } else {
      last.push(each);
      units += own;
    }
  }
  return pieces;
}

/** All that is said, measured; pauses every few milliseconds. */
function* toldIn({ groups }: Conversation): Generator<void, Told[]> {
  const pace = new Pace();
  const all: Told[] = [];
  for (const [group, { said: allSaid }] of groups.entries()) {
    for (const said of allSaid) {
      if (pace.isDue(said.text.length)) yield;
      const { text, toolCalls } = said;
      const tokens = roughTokens(text) + (toolCalls === undefined ? 0 : roughTokens(JSON.stringify(toolCalls)));
      all.push({ said, group, tokens, fingerprint: fingerprintOf(said) });
    }
  }
  return all;
}

function stepsAtLarge({ place, fresh, lastId, prefill, conversationId }: Prepared, answer: Answer | null): StoreStep[] {
  const said =
    answer === null
      ? []
      : [contextOf({ role: 'assistant', text: prefill + answer.said.text }, conversationId, answer.isCut)];
  const contexts = [
    ...fresh.map(({ id, content, role, metadata }) => ({ id, text: plainText(content), role, metadata })),
    ...said.map((each) => ({
      ...each,
      id: idAfter(lastId, scopeOf(place), fingerprintOf({ role: 'assistant', text: each.text })),
    })),
  ]
    .filter(({ text, role }) => text.trim() !== '' && (role === 'user' || role === 'assistant'))
    .map(({ id, text, metadata }) => ({ id, text, metadata }));
  return inPieces(contexts).map((some) => ({ type: 'context.store_batch', payload: { contexts: some } }));
}

/** Without the answer that the client began. */
function begunBefore(all: readonly Told[], prefill: string): readonly Told[] {
  return prefill === '' ? all : all.slice(0, -1);
}

function isShown({ kind, card_id: cardId }: WindowMessage): boolean {
  return kind === 'message' || (kind === 'card' && messageOfCard(cardId ?? '') !== undefined);
}

function comparedOf(message: WindowMessage): Shown {
  const { role, kind, id, card_id: cardId = '' } = message;
  if (kind === 'card') return { id: messageOfCard(cardId) ?? '', role, fingerprint: null };
  return { id: id ?? '', role, fingerprint: fingerprintOf(saidOf(message)) };
}

/** What follows a message that is named. */
function after(shown: readonly Shown[], id: string): Recognition {
  const place = shown.findLastIndex((message) => message.id === id);
  return { newFrom: 0, run: 0, shownEnd: place < 0 ? shown.length : place + 1 };
}

import { throwIfAborted } from '../../base/abort.ts';
import type { ContextRecord } from '../../base/context.ts';
import { badRequest, toCodedError } from '../../base/errors.ts';
import { KeyedTurns } from '../../base/keyed-turns.ts';
import type { Log } from '../../base/log.ts';
import type { LoopTurns } from '../../base/loop-turns.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { CallOptions } from '../types.ts';
import { hasMemoryBlock, liveMessageOf, storeMessages, type StoreMessagesDeps } from './append.ts';
import { CARDS_SHARE } from './assembly.ts';
import { CardKeeper } from './card-keeper.ts';
import { CardMaker } from './card-maker.ts';
import { guardAnswers } from './guards.ts';
import { messageOf, tokensOf } from './message.ts';
import { listedAmong } from './listed.ts';
import { archive, newCards, offload, type OffloadDeps } from './offload.ts';
import { exchangesOf, mustOffload, triedAfter } from './offload-plan.ts';
import { type CardBody, type LiveItem, type SessionBody, sessionKey, shownIds, withoutThose } from './session-body.ts';
import { SessionReads, type SessionReadsDeps } from './session-reads.ts';
import { type KnownSession, type SessionChange, type SessionId, SessionStore } from './session-store.ts';
import type { Summaries } from './summary/summaries.ts';
import type { SummaryTask } from './summary/task-store.ts';
import type {
  AppendInput,
  AppendOutcome,
  ConfigureInput,
  SessionMemory,
  SessionView,
  WindowInput,
  WindowOutcome,
} from './types.ts';
import { checkConfig, fillOf, limitsOf } from './window-limits.ts';
import { assembleWindow, type WindowReadDeps } from './window-read.ts';

export interface SessionsDeps extends StoreMessagesDeps, WindowReadDeps {
  readonly turns: LoopTurns;
  readonly metrics: Metrics;
  readonly log: Log;
  /** Makes cards anew; absent: they stay as they are. */
  readonly summaries?: Summaries | undefined;
}

const WAITING_MAX = 256;

type RecordsById = ReadonlyMap<string, ContextRecord>;

/** What an append made of a session. */
interface Listed {
  readonly value: Omit<AppendOutcome, 'messages'>;
  readonly left: readonly string[];
  readonly carded: readonly SummaryTask[];
}

/** See `SessionMemory`. What changes a session waits for its turn here; between servers its version decides. */
export class Sessions implements SessionMemory {
  readonly #deps: SessionsDeps;
  readonly #sessions: SessionStore;
  readonly #turns = new KeyedTurns('this session', WAITING_MAX);
  readonly #offload: OffloadDeps;
  readonly #keeper: CardKeeper;
  readonly #reads: SessionReads;

  constructor(deps: SessionsDeps) {
    this.#deps = deps;
    this.#sessions = new SessionStore(deps);
    const maker = new CardMaker(deps, deps.settings.cardTokens);
    const sessions = this.#sessions;
    this.#offload = { maker, newCardName: (number) => sessions.newCardName(number) };
    const onMade = (tasks: readonly SummaryTask[]): void => deps.summaries?.offer(tasks);
    this.#keeper = new CardKeeper({ ...deps, sessions, maker, onMade });
    const view: SessionReadsDeps['view'] = (where, body) => this.#view(where, body);
    this.#reads = new SessionReads({ ...deps, sessions, keeper: this.#keeper, view });
  }

  append(input: AppendInput, options: CallOptions = {}): Promise<AppendOutcome> {
    return this.#inTurn(input, options, () => this.#append(input, options));
  }

  async window(input: WindowInput, options: CallOptions = {}): Promise<WindowOutcome> {
    throwIfAborted(options.signal);
    const { body: stored } = await this.#sessions.read(input);
    const maxTokens = input.maxTokens ?? limitsOf(stored.config, this.#deps.settings).maxTokens;
    const [body, cards, records] = await Promise.all([
      this.#keeper.currentLive(input, stored),
      this.#newestCards(input, stored, maxTokens),
      this.#read(input.namespace, shownIds(stored)),
    ]);
    const recordOf = (id: string): ContextRecord | null => records.get(id) ?? null;
    const parts = { body, cards, recordOf, maxTokens };
    return { ...(await assembleWindow(input, parts, options, this.#deps)), window: this.#fill(input, body) };
  }

  /** As many as the window may show, and what else they need to be told. */
  async #newestCards(input: WindowInput, body: SessionBody, maxTokens: number): Promise<CardBody[]> {
    const newest: CardBody[] = [];
    let tokens = 0;
    if (body.cards === body.hiddenCards) return newest;
    for await (const card of this.#sessions.cards(input, body)) {
      if (card.number < body.hiddenCards || tokens > maxTokens * CARDS_SHARE) break;
      if (card.messages.length === 0) continue;
      newest.unshift(card);
      tokens += card.tokens;
    }
    return this.#keeper.current(input, newest);
  }

  configure(input: ConfigureInput, options: CallOptions = {}): Promise<SessionView> {
    return this.#inTurn(input, options, async () => {
      const { settings, tokens } = this.#deps;
      const { maxTokens, offloadAt, relieveTo, rearmAt, header, state } = input;
      const [headerTokens = 0] = header === undefined ? [] : await tokens.count([header]);
      return this.#sessions.update(input, (known) => {
        const { header: before, ...config } = known.body.config;
        const kept = header === undefined ? before : header === '' ? undefined : { text: header, tokens: headerTokens };
        const changed = {
          ...config,
          ...(maxTokens !== undefined && { maxTokens }),
          ...(offloadAt !== undefined && { offloadAt }),
          ...(relieveTo !== undefined && { relieveTo }),
          ...(rearmAt !== undefined && { rearmAt }),
          ...(kept !== undefined && { header: kept }),
          ...(state !== undefined && { state: { ...config.state, ...state } }),
        };
        checkConfig(changed, settings);
        const body = { ...known.body, config: changed, usedAtMs: this.#deps.clock.nowMs(), triedPressure: null };
        return Promise.resolve({ body, cards: [], value: this.#view(input, body) });
      });
    });
  }

  get(...request: Parameters<SessionMemory['get']>): ReturnType<SessionMemory['get']> {
    return this.#reads.get(...request);
  }

  list(...request: Parameters<SessionMemory['list']>): ReturnType<SessionMemory['list']> {
    return this.#reads.list(...request);
  }

  expand(...request: Parameters<SessionMemory['expand']>): ReturnType<SessionMemory['expand']> {
    return this.#reads.expand(...request);
  }

  reset(request: Parameters<SessionMemory['reset']>[0], options: CallOptions = {}): ReturnType<SessionMemory['reset']> {
    return this.#inTurn(request, options, () =>
      request.forget ? this.#forget(request, options) : this.#close(request),
    );
  }

  /** Makes anew what tells of messages that are gone, without waiting for somebody to ask for it: how many cards. */
  async refresh(id: SessionId): Promise<number> {
    const { body, version } = await this.#sessions.read(id);
    if (version === null) return 0;
    let count = (await this.#keeper.currentLive(id, body)) === body ? 0 : 1;
    for await (const cards of this.#sessions.everyCard(id)) {
      const current = new Set(await this.#keeper.current(id, cards));
      count += cards.filter((card) => card.messages.length > 0 && !current.has(card)).length;
    }
    return count;
  }

  /** What is live becomes cards that no window shows, so that cards still tell of every message. */
  async #close(id: SessionId): Promise<{ archived: number; deleted: number }> {
    const { version } = await this.#sessions.read(id);
    if (version === null) return { archived: 0, deleted: 0 };
    const archived = await this.#sessions.update(id, async ({ body }) => {
      const groups = exchangesOf(body.live);
      const known = new Map<string, ContextRecord>();
      const { body: emptied, cards, left } = await archive(id.namespace, body, groups, known, this.#offload);
      const usedAtMs = this.#deps.clock.nowMs();
      const closed = { ...emptied, hiddenCards: emptied.cards, emptyCards: 0, triedPressure: null, usedAtMs };
      return { body: { ...closed, recentAnswers: [], echoRun: 0 }, cards, value: { left, made: cards.length } };
    });
    await this.#left(id.namespace, archived.left, archived.made);
    return { archived: archived.left.length, deleted: 0 };
  }

  /** Contexts first: a kill in between leaves a session without messages, which a repeat deletes. */
  async #forget(id: SessionId, options: CallOptions): Promise<{ archived: number; deleted: number }> {
    const { namespace, agentId, sessionId } = id;
    const ofSession = [
      { key: 'agent_id', match: { value: agentId } },
      { key: 'session_id', match: { value: sessionId } },
    ];
    const deleted = await this.#deps.tiers.deleteWhere(namespace, { filter: { must: ofSession } }, options.signal);
    await this.#sessions.remove(id);
    return { archived: 0, deleted };
  }

  async #append(input: AppendInput, options: CallOptions): Promise<AppendOutcome> {
    const { namespace } = input;
    // The session and what was answered last in it are read beside the writing of the messages.
    const reading = this.#readAhead(input);
    const stored = await storeMessages(input, options, this.#deps);
    const { session, answers } = await reading;
    const created = new Set(stored.messages.flatMap(({ id, created: isNew }) => (isNew ? [id] : [])));
    // From here on nothing is cut off: what is stored is to be listed.
    const change = (known: KnownSession) => this.#listed(input, known, stored.records, stored.known, created, answers);
    const { value, left, carded } = await this.#sessions.update(input, change, session);
    const { metrics, summaries } = this.#deps;
    summaries?.offer(carded);
    metrics.count('window_messages_total', {}, created.size);
    if (left.length > 0) metrics.count('window_offloads_total');
    await this.#left(namespace, left, carded.length);
    const tokenCounts = new Map(stored.records.map((record) => [record.id, tokensOf(record)]));
    const messages = stored.messages.map((told) => ({ ...told, tokenCount: tokenCounts.get(told.id) ?? 1 }));
    const offloading = summaries?.isBusyWith(input) ?? false;
    return { messages, ...value, window: { ...value.window, offloading } };
  }

  /** Empty where that fails: it is read again where it is needed. */
  async #readAhead(input: AppendInput): Promise<{ session?: KnownSession; answers: RecordsById }> {
    try {
      const session = await this.#sessions.read(input);
      const isAnswered = input.messages.some(({ role }) => role === 'assistant');
      const answers = await this.#read(input.namespace, isAnswered ? session.body.recentAnswers : []);
      return { session, answers };
    } catch {
      return { answers: new Map() };
    }
  }

  async #listed(
    input: AppendInput,
    { body }: KnownSession,
    records: readonly ContextRecord[],
    known: ReadonlySet<string>,
    created: ReadonlySet<string>,
    answers: RecordsById,
  ): Promise<SessionChange<Listed>> {
    const { settings, clock } = this.#deps;
    const listed = await listedAmong({ id: input, body, records, created, known }, this.#sessions);
    const fresh = records.filter(({ id }) => !listed.has(id));
    const limits = limitsOf(body.config, settings);
    const live: LiveItem[] = [
      ...withoutThose(body.live, created),
      ...fresh.map((record) => ({ messages: [liveMessageOf(record)] })),
    ];
    const guarded = await this.#guard(
      input.namespace,
      body,
      fresh.filter(({ id }) => created.has(id)),
      answers,
    );
    const grown: SessionBody = {
      ...body,
      ...guarded.body,
      live,
      usedAtMs: clock.nowMs(),
      triedPressure: triedAfter(live, limits, body.triedPressure),
      hasMemoryBlocks: body.hasMemoryBlocks || hasMemoryBlock(fresh),
    };
    const own = new Map(records.map((record) => [record.id, record]));
    const offloaded = mustOffload(live, limits, grown.triedPressure)
      ? await offload(input.namespace, grown, limits, own, this.#offload)
      : { body: grown, cards: [], left: [] };
    const value = { window: this.#fill(input, offloaded.body), ...(guarded.guards && { guards: guarded.guards }) };
    const { cards, left } = offloaded;
    const carded = newCards(input, body, offloaded);
    return { body: offloaded.body, cards, value: { value, left, carded } };
  }

  /** Whether an assistant says again what it has said. */
  async #guard(namespace: string, body: SessionBody, fresh: readonly ContextRecord[], known: RecordsById) {
    const { settings, turns } = this.#deps;
    // What only calls tools is said to nobody.
    const answers = fresh.filter((record) => {
      const message = messageOf(record);
      return message?.role === 'assistant' && message.content !== null;
    });
    if (answers.length === 0) return { body: {} };
    const unknown = body.recentAnswers.filter((id) => !known.has(id));
    const before = await this.#read(namespace, unknown);
    const recent = body.recentAnswers.flatMap((id) => known.get(id) ?? before.get(id) ?? []);
    const { recentIds, run, guards } = await guardAnswers({ recent, run: body.echoRun, answers }, settings, turns);
    return { body: { recentAnswers: recentIds, echoRun: run }, guards };
  }

  /** Messages have left a window, and so many cards were made. */
  async #left(namespace: string, ids: readonly string[], cards: number): Promise<void> {
    const { metrics, store, clock, tiers, log } = this.#deps;
    metrics.count('window_offloaded_messages_total', {}, ids.length);
    metrics.count('window_cards_total', {}, cards);
    if (ids.length === 0) return;
    try {
      await tiers.release(await store.outlines(namespace, ids, clock.nowMs()));
    } catch (error) {
      // It follows from the session, so a failure is no failure of the call.
      const { code } = toCodedError(error);
      log.warn({ code, contexts: ids.length }, 'what left a window is still where it was, and stays without an end');
    }
  }

  async #read(namespace: string, ids: readonly string[]): Promise<RecordsById> {
    if (ids.length === 0) return new Map<string, ContextRecord>();
    const found = await this.#deps.store.fetch(namespace, ids, this.#deps.clock.nowMs());
    return new Map(found.flatMap((record) => (record === null ? [] : [[record.id, record] as const])));
  }

  async #inTurn<T>(
    { namespace, agentId, sessionId }: SessionId,
    options: CallOptions,
    work: () => Promise<T>,
  ): Promise<T> {
    if (agentId === '*') throw badRequest('/agent_id', 'names every agent; a session is of one agent');
    return this.#turns.run(`${namespace} ${sessionKey(agentId, sessionId)}`, work, options.signal);
  }

  #fill({ namespace }: Pick<SessionId, 'namespace'>, body: SessionBody): WindowOutcome['window'] {
    const { settings, summaries } = this.#deps;
    return fillOf(body, settings, summaries?.isBusyWith({ ...body, namespace }) ?? false);
  }

  #view(where: Pick<SessionId, 'namespace'>, body: SessionBody): SessionView {
    return { body, limits: limitsOf(body.config, this.#deps.settings), window: this.#fill(where, body) };
  }
}

// The cold path: cards that were made of sentences are made anew by a model, beside the requests, and put in the places of the
// first ones. Whatever fails leaves these.

import type { Clock } from '../../../base/clock.ts';
import { type CodedError, toCodedError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Metrics } from '../../../base/metrics.ts';
import type { Random } from '../../../base/random.ts';
import type { Settings } from '../../../config/settings.ts';
import { type ChatModel, Unanswered } from '../../../models/chat-model.ts';
import type { ContextStore } from '../../../store/store.ts';
import type { TokenEstimator } from '../../write/token-estimator.ts';
import { STATE_LISTS } from '../memory-block.ts';
import { SessionStore } from '../session-store.ts';
import { CardWriter, type OpenCard } from './card-writer.ts';
import type { FactSink } from './fact-sink.ts';
import { mergedState, readAnswer, type SummaryAnswer, summaryRequest } from './prompt.ts';
import { type SummaryTask, TaskStore, taskKey } from './task-store.ts';

export interface SummariesDeps {
  readonly model: ChatModel;
  readonly settings: Settings['summary'];
  /** Of a card. */
  readonly cardTokens: number;
  readonly store: ContextStore;
  readonly tokens: TokenEstimator;
  /** Absent: the model is not asked for facts. */
  readonly facts?: FactSink | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
}

const LEASE_MS = 120_000;
const ATTEMPTS_MAX = 3;
/** Of a task that failed, before its next attempt; as often as it has failed. */
const PAUSE_MS = 60_000;

/** At most `max_queue` tasks wait, which are names alone; what comes on top keeps the card that it has. */
export class Summaries {
  readonly #deps: SummariesDeps;
  readonly #tasks: TaskStore;
  readonly #cards: CardWriter;
  readonly #sessions: SessionStore;
  #waiting: SummaryTask[] = [];
  readonly #running = new Set<SummaryTask>();
  readonly #workers = new Set<Promise<void>>();
  readonly #closing = new AbortController();

  constructor(deps: SummariesDeps) {
    this.#deps = deps;
    this.#sessions = new SessionStore(deps);
    this.#tasks = new TaskStore(deps.store, deps.clock, LEASE_MS);
    this.#cards = new CardWriter({ ...deps, sessions: this.#sessions });
    deps.metrics.gauge('summaries_queue_length', () => this.#waiting.length);
    deps.metrics.gauge('summaries_cards_running', () => this.#running.size);
  }

  /** Whether cards of the session wait for the model, or are with it. */
  isBusyWith({ namespace, agentId, sessionId }: Pick<SummaryTask, 'namespace' | 'agentId' | 'sessionId'>): boolean {
    const isOf = (task: SummaryTask): boolean =>
      task.sessionId === sessionId && task.agentId === agentId && task.namespace === namespace;
    return this.#waiting.some(isOf) || [...this.#running].some(isOf);
  }

  /** Cards that were just written. Nobody waits for them. */
  offer(tasks: readonly SummaryTask[]): void {
    if (this.#closing.signal.aborted) return;
    for (const task of tasks) {
      if (this.#waiting.length >= this.#deps.settings.maxQueue) {
        this.#deps.metrics.count('summaries_left_total', { reason: 'full' });
        continue;
      }
      this.#waiting.push(task);
      // Only a restart looks for it: without it the card stays as it is.
      void this.#tasks.add(task).catch((error: unknown) => this.#warn(error, 'a summary would not outlive a restart'));
    }
    this.#start();
  }

  /** Nothing comes of these any more, wherever they are; their documents are to be deleted after this. */
  forget(isMeant: (task: SummaryTask) => boolean): void {
    this.#waiting = this.#waiting.filter((task) => !isMeant(task));
    for (const task of [...this.#running].filter(isMeant)) this.#running.delete(task);
  }

  /** What a restart or a failure has left, where there is room for it. To be run every now and then. */
  async sweep(signal: AbortSignal): Promise<void> {
    await this.#tasks.renew([...this.#waiting, ...this.#running]);
    const room = this.#deps.settings.maxQueue - this.#waiting.length;
    const known = new Set([...this.#waiting, ...this.#running].map(taskKey));
    const taken = await this.#tasks.take(room, AbortSignal.any([signal, this.#closing.signal]));
    this.#waiting.push(...taken.filter((task) => !known.has(taskKey(task))));
    this.#start();
  }

  /** What is under way is given up; a later start does it. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#waiting = [];
    await Promise.all(this.#workers);
  }

  #start(): void {
    while (this.#workers.size < this.#deps.settings.workers && this.#waiting.length > 0) {
      if (this.#closing.signal.aborted) return;
      const batch = this.#nextBatch();
      for (const task of batch) this.#running.add(task);
      const work: Promise<void> = this.#summarize(batch)
        .catch((error: unknown) => this.#warn(error, 'cards stay as they are'))
        .finally(() => {
          for (const task of batch) this.#running.delete(task);
          this.#workers.delete(work);
          this.#start();
        });
      this.#workers.add(work);
    }
  }

  /** Of one session: what one says is not put before a model beside what others say. */
  #nextBatch(): SummaryTask[] {
    const [first] = this.#waiting as [SummaryTask];
    const isOfSame = (task: SummaryTask): boolean =>
      task.namespace === first.namespace && task.agentId === first.agentId && task.sessionId === first.sessionId;
    const batch = this.#waiting.filter(isOfSame).slice(0, this.#deps.settings.batchSize);
    this.#waiting = this.#waiting.filter((task) => !batch.includes(task));
    return batch;
  }

  async #summarize(batch: readonly SummaryTask[]): Promise<void> {
    const open: OpenCard[] = [];
    for (const task of batch) {
      const card = await this.#cards.open(task);
      if (card === null) await this.#leave(task, 'gone');
      else open.push(card);
    }
    if (open.length === 0) return;
    let answer: SummaryAnswer | 'spent' | null;
    try {
      answer = await this.#ask(open);
    } catch (error) {
      await this.#failed(open, toCodedError(error));
      return;
    }
    // Of a session that was forgotten meanwhile nothing is kept: another may have its name by now.
    const found = await Promise.all(open.map(({ task }) => this.#cards.open(task)));
    const isForgotten = found.includes(null) || !open.every(({ task }) => this.#running.has(task));
    if (answer !== null && answer !== 'spent' && !isForgotten) await this.#keep(batch[0] as SummaryTask, answer);
    for (const [place, card] of open.entries()) {
      const summary = answer === 'spent' ? null : (answer?.summaries[place] ?? null);
      const isWritten = summary !== null && (await this.#cards.replace(card, summary, this.#deps.model.id));
      if (isWritten) await this.#done(card.task);
      else await this.#leave(card.task, answer === 'spent' ? 'spent' : summary === null ? 'unreadable' : 'gone');
    }
  }

  async #ask(open: readonly OpenCard[]): Promise<SummaryAnswer | 'spent' | null> {
    const { model, settings, tokens, metrics, cardTokens, facts } = this.#deps;
    const { signal } = this.#closing;
    const [{ task }] = open as [OpenCard];
    const { body } = await this.#sessions.read(task);
    const form = { summaryTokens: cardTokens, withFacts: facts !== undefined };
    const request = summaryRequest(open, body.config.state ?? {}, form);
    const [system = 0, user = 0] = await tokens.count([request.system, request.user]);
    const reserved = system + user + request.maxTokens;
    if (!(await this.#tasks.spend(reserved, settings.maxTokensPerDay))) return 'spent';
    try {
      const reply = await model.complete(request, signal);
      const spent = reply.tokens ?? system + user + ((await tokens.count([reply.text]))[0] ?? 0);
      metrics.count('summaries_tokens_total', {}, spent);
      if (spent !== reserved) await this.#tasks.spend(spent - reserved, Infinity);
      const answer = readAnswer(reply.text, open);
      metrics.count('summaries_requests_total', { outcome: answer === null ? 'unreadable' : 'ok' });
      return answer;
    } catch (error) {
      metrics.count('summaries_requests_total', { outcome: 'failed' });
      // Who has asked and does not know what came of it has perhaps to pay for all of it; a refusal costs nothing.
      const mayHaveCost = error instanceof Unanswered || signal.aborted;
      if (!mayHaveCost) await this.#tasks.spend(-reserved, Infinity);
      throw error;
    }
  }

  /** A reason that may pass: again later, a few times. */
  async #failed(open: readonly OpenCard[], error: CodedError): Promise<void> {
    const isPassing = error.retryable || this.#closing.signal.aborted;
    for (const { task } of open) {
      const attempts = this.#closing.signal.aborted ? task.attempts : task.attempts + 1;
      if (!isPassing || attempts >= ATTEMPTS_MAX) await this.#leave(task, 'failed');
      else await this.#tasks.release({ ...task, attempts }, Math.max(error.retryAfterMs ?? 0, PAUSE_MS * attempts));
    }
    if (!this.#closing.signal.aborted) this.#warn(error, 'cards stay as they are: the model did not answer');
  }

  /** State and facts, before the cards: what a kill cuts off here comes again with them. No card is made again for them. */
  async #keep(task: SummaryTask, { state, facts }: SummaryAnswer): Promise<void> {
    try {
      if (STATE_LISTS.some((list) => (state[list] ?? []).length > 0))
        await this.#sessions.change(task, (body) => {
          const merged = mergedState(body.config.state ?? {}, state);
          return { ...body, config: { ...body.config, state: merged } };
        });
      const whose = { namespace: task.namespace, agentId: task.agentId };
      if (facts.length > 0) await this.#deps.facts?.(whose, facts, this.#closing.signal);
    } catch (error) {
      this.#warn(error, 'state or facts that a model found were not kept');
    }
  }

  async #done(task: SummaryTask): Promise<void> {
    this.#deps.metrics.count('summaries_cards_total');
    await this.#tasks.remove(task);
  }

  async #leave(task: SummaryTask, reason: 'gone' | 'spent' | 'unreadable' | 'failed'): Promise<void> {
    this.#deps.metrics.count('summaries_left_total', { reason });
    await this.#tasks.remove(task);
  }

  #warn(error: unknown, message: string): void {
    const { code, message: reason } = toCodedError(error);
    this.#deps.log.warn({ code, reason }, message);
  }
}

// The door to `hirag`: hierarchical memory for retrieval-augmented generation. What agents remember lies in three
// levels, as a processor's memory lies in caches: L1 (`immediate`), the working set of a session, L2 (`short_term`), an agent's
// recent past, and L3 (`long_term`), all the rest. What a level cannot keep moves on to the next; a query searches all
// of them at once and answers within a budget of tokens.
//
// Rooms, each of which imports only from those behind it:
//   write/  from an input to a stored context: checks, tokens, vector
//   query/  from a question to an answer: plan, search, budget
//   window/ a session as a conversation: what is live, what leaves it, what is sent
//   rank/   similarity, rank, admission, duplicates: how candidates compare, free of stores and clocks
//   tiers/  which levels there are, what enters and leaves them, lifetimes, how often contexts are returned
//   erasure/ what is to be gone, wherever it is
//   facts/  what is known of the world and when it held; knows no contexts

import { orAbort } from '../base/abort.ts';
import type { Clock } from '../base/clock.ts';
import type { ContextRecord, Filter, Level } from '../base/context.ts';
import type { Log } from '../base/log.ts';
import { LoopTurns } from '../base/loop-turns.ts';
import type { Metrics } from '../base/metrics.ts';
import type { Random } from '../base/random.ts';
import { prepareAnalysis } from '../base/text/analyzer.ts';
import type { CachedEmbeddingProvider } from '../embedding/cache.ts';
import type { ChatModel } from '../models/chat-model.ts';
import { checkFilter } from '../store/filter.ts';
import type { ContextStore, NamespaceCounts } from '../store/store.ts';
import { Erasures } from './erasure/erasures.ts';
import type { AfterErasure, EraseInput, ErasureEstimate, ErasureOutcome } from './erasure/types.ts';
import { Facts } from './facts/facts.ts';
import type { FactMemory } from './facts/types.ts';
import { QuestionFacts } from './query/question-facts.ts';
import { AccessCounts } from './tiers/access-counts.ts';
import { PassageEmbedder } from '../embedding/passage-embedder.ts';
import { Backlog } from './write/backlog.ts';
import { Intake } from './write/intake.ts';
import { TextEmbedding } from './write/text-vectors.ts';
import { LevelPolicy } from './tiers/level-policy.ts';
import { Lifecycle } from './tiers/lifecycle.ts';
import { Retrieval } from './query/retrieval.ts';
import { UnsearchedLevels } from './tiers/unsearched-levels.ts';
import { defaultSettings, type Settings } from '../config/settings.ts';
import { notFound, Tiers } from './tiers/tiers.ts';
import { Sessions } from './window/sessions.ts';
import { factSink } from './window/summary/fact-sink.ts';
import { Summaries } from './window/summary/summaries.ts';
import type { SessionMemory } from './window/types.ts';
import type { NearWords } from '../base/text/near-words.ts';
import { timeView } from './time-view.ts';
import { createTokenEstimator } from './write/tokens.ts';
import type {
  BacklogCounts,
  CallOptions,
  GcOutcome,
  ListInput,
  Memory,
  MemoryStats,
  NamespacesWanted,
  QueryInput,
  QueryOutcome,
  StoreInput,
  StoreOutcome,
  UpdateInput,
} from './types.ts';

export interface MemoryDeps {
  /** Closed by whoever opened it, after the memory. */
  readonly store: ContextStore;
  readonly embedding: CachedEmbeddingProvider;
  readonly settings: Settings['hirag'];
  /** Absent: the defaults. */
  readonly window?: Settings['window'];
  /** Makes cards of windows anew; absent: they stay as they are. */
  readonly summary?: { readonly model: ChatModel; readonly settings: Settings['summary'] } | undefined;
  /** Stores go on without vectors where the model is away (`embedding.defer`); absent: they fail. */
  readonly defer?: boolean;
  /** English words that mean about the same. Absent: a question's words are looked for as they are. */
  readonly nearWords?: NearWords | undefined;
  readonly clock: Clock;
  readonly random: Random;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Records of a page where the request names no `limit`. */
const LIST_LIMIT = 100;

/** Starts no timer: what is to be done every so often, its owner asks for. */
export function createMemory(deps: MemoryDeps): Memory {
  return new TieredMemory(deps);
}

class TieredMemory implements Memory {
  readonly sessions: SessionMemory;
  readonly facts: FactMemory;
  readonly #questionFacts: QuestionFacts;
  readonly #maxTokens: number;
  readonly #store: ContextStore;
  readonly #embedding: CachedEmbeddingProvider;
  readonly #clock: Clock;
  readonly #accessCounts: AccessCounts;
  readonly #tiers: Tiers;
  readonly #intake: Intake;
  readonly #retrieval: Retrieval;
  readonly #lifecycle: Lifecycle;
  readonly #backlog: Backlog;
  readonly #summaries: Summaries | undefined;
  readonly #unsearched: UnsearchedLevels;
  readonly #erasures: Erasures;

  constructor(deps: MemoryDeps) {
    const { store, embedding, settings, clock } = deps;
    const policy = new LevelPolicy(settings);
    const turns = new LoopTurns();
    prepareAnalysis();
    const accessCounts = new AccessCounts(deps, settings);
    const tiers = new Tiers({ ...deps, policy });
    const unsearched = new UnsearchedLevels({ ...deps, policy });
    this.#store = store;
    this.#embedding = embedding;
    this.#clock = clock;
    this.#accessCounts = accessCounts;
    this.#tiers = tiers;
    const tokens = createTokenEstimator({ ...settings.tokens, estimator: settings.tokenEstimator }, turns);
    const embedder = new PassageEmbedder(embedding, turns);
    const { dimension } = embedding;
    const vectors = new TextEmbedding(embedder, { defer: deps.defer ?? false, dimension }, clock);
    this.#intake = new Intake({ ...deps, tiers, policy, tokens, vectors });
    this.#backlog = new Backlog({ ...deps, embedder, dimension });
    this.#retrieval = new Retrieval({ ...deps, accessCounts, policy, unsearched, turns });
    this.#unsearched = unsearched;
    this.facts = new Facts({ ...deps, turns });
    this.#questionFacts = new QuestionFacts({ facts: this.facts, tokens });
    this.#maxTokens = settings.maxContextTokens;
    const window = deps.window ?? defaultSettings().window;
    const { cardTokens } = window;
    this.#summaries =
      deps.summary &&
      new Summaries({
        ...deps,
        ...deps.summary,
        cardTokens,
        tokens,
        facts: factSink(this.facts, deps.summary.model.id),
      });
    const sessions = new Sessions({
      ...deps,
      settings: window,
      summaries: this.#summaries,
      intake: this.#intake,
      tiers,
      tokens,
      turns,
      query: (input, options) => this.query(input, options),
    });
    this.sessions = sessions;
    this.#erasures = new Erasures({ ...deps, sessions, summaries: this.#summaries });
    this.#lifecycle = new Lifecycle({ ...deps, tiers, policy, accessCounts }, settings);
  }

  store(input: StoreInput, options: CallOptions = {}): Promise<StoreOutcome> {
    return this.#intake.store(input, options);
  }

  storeBatch(inputs: readonly StoreInput[], options: CallOptions = {}): Promise<(StoreOutcome | Error)[]> {
    return this.#intake.storeBatch(inputs, options);
  }

  async query(input: QueryInput, options: CallOptions = {}): Promise<QueryOutcome> {
    if (input.facts !== true) return this.#retrieval.query(input, options);
    const maxTokens = input.maxTokens ?? this.#maxTokens;
    const facts = await this.#questionFacts.of(input, maxTokens, options);
    const tokens = (facts ?? []).reduce((sum, { tokenCount }) => sum + tokenCount, 0);
    const outcome = await this.#retrieval.query({ ...input, maxTokens: maxTokens - tokens }, options);
    return { ...outcome, totalTokens: outcome.totalTokens + tokens, ...(facts !== undefined && { facts }) };
  }

  async get(namespace: string, id: string, options: CallOptions = {}): Promise<ContextRecord> {
    const [record] = await orAbort(this.#store.fetch(namespace, [id], this.#clock.nowMs()), options.signal);
    if (record === undefined || record === null) throw notFound();
    if (options.isLook !== true) this.#accessCounts.returned(namespace, [id]);
    return this.#accessCounts.merged(record);
  }

  async used(namespace: string, ids: readonly string[], options: CallOptions = {}): Promise<number> {
    const asked = [...new Set(ids)];
    const records = await orAbort(this.#store.fetch(namespace, asked, this.#clock.nowMs()), options.signal);
    const there = records.flatMap((record) => (record === null ? [] : [record.id]));
    this.#accessCounts.add(namespace, there);
    return there.length;
  }

  async update(input: UpdateInput, options: CallOptions = {}): Promise<ContextRecord> {
    return this.#accessCounts.merged(await this.#intake.update(input, options));
  }

  async delete(
    namespace: string,
    target: { readonly id: string } | { readonly filter: Filter },
    options: CallOptions = {},
  ): Promise<number> {
    if ('id' in target) return this.#tiers.delete(namespace, [target.id], options.signal);
    checkFilter(target.filter);
    return this.#tiers.deleteWhere(namespace, { filter: target.filter }, options.signal);
  }

  async list(
    input: ListInput,
    options: CallOptions = {},
  ): Promise<{ readonly records: readonly ContextRecord[]; readonly cursor?: string }> {
    if (input.filter !== undefined) checkFilter(input.filter);
    const nowMs = this.#clock.nowMs();
    const request = { ...input, limit: input.limit ?? LIST_LIMIT, nowMs, time: timeView(input, nowMs) };
    const page = await this.#store.list(request, options.signal);
    return { ...page, records: page.records.map((record) => this.#accessCounts.merged(record)) };
  }

  erase(input: EraseInput, options: CallOptions = {}, after?: AfterErasure): Promise<ErasureOutcome> {
    return this.#erasures.erase(input, options, after);
  }

  estimateErasure(input: EraseInput): Promise<ErasureEstimate> {
    return this.#erasures.estimate(input);
  }

  resumeErasures(signal: AbortSignal, after?: AfterErasure): Promise<void> {
    return this.#erasures.resume(signal, after);
  }

  clearLevel(namespace: string, level: Level, options: CallOptions = {}): Promise<number> {
    return this.#tiers.deleteWhere(namespace, { level }, options.signal);
  }

  async stats(namespace?: string, options: CallOptions = {}): Promise<MemoryStats> {
    const { entries, hits, misses } = this.#embedding.counts(namespace);
    return {
      store: await orAbort(this.#store.stats(namespace), options.signal),
      cache: { embeddingEntries: entries, embeddingHits: hits, embeddingMisses: misses },
    };
  }

  namespaces(which: NamespacesWanted = {}, options: CallOptions = {}): Promise<NamespaceCounts[]> {
    return orAbort(this.#store.namespaces(which.names, which.among), options.signal);
  }

  gc(signal?: AbortSignal): Promise<GcOutcome> {
    return this.#lifecycle.runGc(signal);
  }

  flushAccessCounts(): Promise<void> {
    return this.#accessCounts.flush();
  }

  unsearched(): Promise<readonly { readonly level: Level; readonly count: number }[]> {
    return this.#unsearched.counts();
  }

  embedBacklog(signal: AbortSignal): Promise<BacklogCounts> {
    return this.#backlog.run(signal);
  }

  get backlog(): BacklogCounts {
    return this.#backlog.counts;
  }

  async clearCaches({ signal }: CallOptions = {}): Promise<{ readonly embeddings: number }> {
    return { embeddings: await this.#embedding.clear(signal) };
  }

  async storeAnswers(): Promise<void> {
    await this.#store.ping();
  }

  async healthy(): Promise<boolean> {
    try {
      await this.storeAnswers();
      return true;
    } catch {
      return false;
    }
  }

  async sweepSummaries(signal: AbortSignal): Promise<void> {
    await this.#summaries?.sweep(signal);
  }

  async close(): Promise<void> {
    await this.#erasures.close();
    await this.#summaries?.close();
    await this.#lifecycle.close();
    await this.#accessCounts.close();
  }
}

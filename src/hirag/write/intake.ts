import { orAbort, throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { ContextRecord, ContextTimes, Level } from '../../base/context.ts';
import { badRequest, CodedError, toCodedError } from '../../base/errors.ts';
import { uuidV7, type Random } from '../../base/random.ts';
import { inStage } from '../../base/request-scope.ts';
import { isBlank } from '../../base/text/blank.ts';
import type { EmbeddingProvider, OwnedText } from '../../embedding/provider.ts';
import type { ContextPatch, ContextStore, Lifetime, NewContext, TextVectors } from '../../store/store.ts';
import { compactTimes } from '../../store/times.ts';
import { clientVector } from '../client-vector.ts';
import { checkInterval } from '../time-view.ts';
import { clientLifetime, KEPT, type LevelPolicy } from '../tiers/level-policy.ts';
import { notFound, versionConflict, type PutOutcome, type Tiers } from '../tiers/tiers.ts';
import { keepMessage } from './kept-message.ts';
import type { TextEmbedding } from './text-vectors.ts';
import type { TokenEstimator } from './token-estimator.ts';
import type { CallOptions, StoreInput, StoreOutcome, UpdateInput } from '../types.ts';

export interface IntakeDeps {
  readonly store: ContextStore;
  readonly tiers: Tiers;
  readonly policy: LevelPolicy;
  readonly embedding: EmbeddingProvider<OwnedText>;
  readonly tokens: TokenEstimator;
  readonly vectors: TextEmbedding;
  readonly clock: Clock;
  readonly random: Random;
}

/** What is stored of an input. */
export interface StoredTogether {
  readonly created: boolean;
  readonly record: ContextRecord;
}

/** An input that passed its checks, on its way to become a context. */
interface Draft {
  readonly input: StoreInput;
  readonly level: NewContext['record']['level'];
  /** The client's own embedding, normalised. */
  readonly vector: Float32Array | undefined;
}

/**
 * Takes texts in: checks, counts tokens, embeds, writes. A deadline is looked at until the write leaves; what has
 * left is waited for by the store, so that `DEADLINE_EXCEEDED` always means that nothing was stored.
 */
export class Intake {
  readonly #deps: IntakeDeps;

  constructor(deps: IntakeDeps) {
    this.#deps = deps;
  }

  async store(input: StoreInput, options: CallOptions): Promise<StoreOutcome> {
    throwIfAborted(options.signal);
    const [outcome] = await this.#put([this.#draft(input)], options);
    if (outcome === undefined) throw new CodedError('INTERNAL', 'internal error');
    if (outcome instanceof Error) throw outcome;
    return outcome;
  }

  /**
   * Inputs that fail their checks, conflict, or are refused by the embedder get their error; where embedder or store fail,
   * the whole call does.
   */
  async storeBatch(inputs: readonly StoreInput[], options: CallOptions): Promise<(StoreOutcome | Error)[]> {
    throwIfAborted(options.signal);
    const drafts = inputs.map((input) => this.#tryDraft(input));
    const good = drafts.filter((draft): draft is Draft => !(draft instanceof Error));
    const stored = good.length === 0 ? [] : await this.#put(good, options);
    let next = 0;
    return drafts.map((draft) => (draft instanceof Error ? draft : (stored[next++] as StoreOutcome | Error)));
  }

  /** All or none, unless the store says so of some: null where the id exists with another text. Rejects before anything is stored. */
  async storeTogether(inputs: readonly StoreInput[], options: CallOptions): Promise<(StoredTogether | null)[]> {
    throwIfAborted(options.signal);
    const contexts = await this.#contexts(
      inputs.map((input) => this.#draft(input)),
      options,
    );
    const failed = contexts.find((context) => context instanceof Error);
    if (failed !== undefined) throw failed;
    throwIfAborted(options.signal);
    const outcomes = await this.#deps.tiers.put(contexts as NewContext[], options.signal);
    return outcomes.map((outcome, i) => {
      const { created, record } = outcome;
      const isRefused = toStoreOutcome(outcome, (contexts[i] as NewContext).record) instanceof Error;
      return isRefused || record === null ? null : { created, record };
    });
  }

  async update(input: UpdateInput, options: CallOptions): Promise<ContextRecord> {
    throwIfAborted(options.signal);
    const { store, tiers, policy, clock } = this.#deps;
    if (input.text !== undefined) checkText(input.text);
    checkInterval(input);
    if (input.level !== undefined) policy.check(input.level, '/level');
    const [before] = await orAbort(store.fetch(input.namespace, [input.id], clock.nowMs()), options.signal);
    if (before === undefined || before === null) throw notFound();
    if (input.ifVersion !== undefined && input.ifVersion !== before.version) throw versionConflict(before.version);
    const { metadata } = input;
    const patch = this.#patch(metadata === undefined ? input : { ...input, metadata: keepMessage(before, metadata) });
    const only = input.ifVersion === undefined ? {} : { ifVersion: input.ifVersion };
    // A text that it has already is not embedded again, but for the case that somebody changes it meanwhile.
    const { text } = input;
    if (text === undefined || text === before.text) {
      throwIfAborted(options.signal);
      const where = { ...only, ...(text === undefined ? {} : { onlyIf: { text } }) };
      const updated = await tiers.update(before, patch, where, options.signal);
      if (updated !== null) return updated;
      if (text === undefined) throw notFound();
    }
    const reworded = { ...patch, text: await this.#newText({ namespace: input.namespace, text }, options) };
    throwIfAborted(options.signal);
    const updated = await tiers.update(before, reworded, only, options.signal);
    if (updated === null) throw notFound();
    return updated;
  }

  #tryDraft(input: StoreInput): Draft | CodedError {
    try {
      return this.#draft(input);
    } catch (error) {
      return toCodedError(error);
    }
  }

  #draft(input: StoreInput): Draft {
    checkText(input.text);
    checkInterval(input);
    const { policy, embedding } = this.#deps;
    const vector = input.embedding === undefined ? undefined : clientVector(input.embedding, embedding.dimension);
    return { input, level: policy.target(input.level), vector };
  }

  /** One call of the embedder and one of the store, however many drafts. */
  async #put(drafts: readonly Draft[], options: CallOptions): Promise<(StoreOutcome | CodedError)[]> {
    const { tiers } = this.#deps;
    const contexts = await this.#contexts(drafts, options);
    throwIfAborted(options.signal);
    const good = contexts.filter((context): context is NewContext => !(context instanceof Error));
    const outcomes = good.length === 0 ? [] : await tiers.put(good, options.signal);
    let next = 0;
    return contexts.map((context) =>
      context instanceof Error ? context : toStoreOutcome(outcomes[next++] as PutOutcome, context.record),
    );
  }

  async #contexts(drafts: readonly Draft[], options: CallOptions): Promise<(NewContext | CodedError)[]> {
    const texts = drafts.map((draft) => draft.input.text);
    const [vectors, tokenCounts] = await Promise.all([
      this.#vectors(drafts, options),
      inStage('tokens', () => this.#deps.tokens.count(texts)),
    ]);
    return drafts.map((draft, i): NewContext | CodedError => {
      const embedded = vectors[i] as TextVectors | CodedError;
      return embedded instanceof Error ? embedded : { record: this.#record(draft, tokenCounts[i] ?? 1), ...embedded };
    });
  }

  async #vectors(drafts: readonly Draft[], options: CallOptions): Promise<(TextVectors | CodedError)[]> {
    const texts = drafts.filter((draft) => draft.vector === undefined).map((draft) => draft.input);
    const embedded = texts.length === 0 ? [] : await this.#deps.vectors.of(texts, options);
    let next = 0;
    return drafts.map(({ vector }) =>
      vector === undefined ? (embedded[next++] as TextVectors | CodedError) : { vector },
    );
  }

  #record({ input, level }: Draft, tokenCount: number): ContextRecord {
    const { clock, random, policy } = this.#deps;
    const nowMs = clock.nowMs();
    const id = input.id ?? uuidV7(nowMs, random);
    const times = timesOf(input, id, nowMs);
    return {
      id,
      namespace: input.namespace,
      agentId: input.agentId,
      sessionId: input.sessionId ?? null,
      level,
      text: input.text,
      tokenCount,
      metadata: input.metadata ?? {},
      tags: input.tags ?? [],
      version: 1,
      createdAtMs: input.createdAtMs ?? nowMs,
      updatedAtMs: nowMs,
      ...lifetimeOf(input, level, policy, nowMs),
      accessCount: 0,
      ...(times === undefined ? {} : { times }),
    };
  }

  /** What is asked of everything but the text. */
  #patch({ metadata, tags, level, ttlMs, validFromMs, validUntilMs }: UpdateInput): ContextPatch {
    const { policy, clock } = this.#deps;
    const nowMs = clock.nowMs();
    return {
      ...(metadata === undefined ? {} : { metadata }),
      ...(tags === undefined ? {} : { tags }),
      ...(level === undefined ? {} : { move: policy.move(level, nowMs) }),
      ...(ttlMs === undefined ? {} : { lifetime: clientLifetime(nowMs, ttlMs) }),
      ...(validFromMs === undefined && validUntilMs === undefined
        ? {}
        : {
            times: {
              ...(validFromMs === undefined ? {} : { validFromMs }),
              ...(validUntilMs === undefined ? {} : { validUntilMs }),
            },
          }),
    };
  }

  async #newText(owned: OwnedText, options: CallOptions): Promise<NonNullable<ContextPatch['text']>> {
    const { tokens, vectors } = this.#deps;
    const [[embedded], [tokenCount]] = await Promise.all([vectors.of([owned], options), tokens.count([owned.text])]);
    if (embedded instanceof Error) throw embedded;
    return { text: owned.text, tokenCount: tokenCount ?? 1, ...(embedded as TextVectors) };
  }
}

function lifetimeOf({ ttlMs, isKept }: StoreInput, level: Level, policy: LevelPolicy, nowMs: number): Lifetime {
  if (ttlMs !== undefined) return clientLifetime(nowMs, ttlMs);
  return isKept === true ? KEPT : policy.lifetime(level, nowMs);
}

/** Nothing of what `created_at` says already. Throws `BAD_REQUEST` of one that would supersede itself. */
function timesOf(input: StoreInput, id: string, nowMs: number): ContextTimes | undefined {
  const { createdAtMs = nowMs, validFromMs, validUntilMs } = input;
  const supersedes = [...new Set(input.supersedes)];
  if (supersedes.includes(id)) throw badRequest('/supersedes', 'names the context itself');
  return compactTimes({
    ...(createdAtMs === nowMs ? {} : { recordedAtMs: nowMs }),
    ...(validFromMs === undefined ? {} : { validFromMs }),
    ...(validUntilMs === undefined ? {} : { validUntilMs }),
    supersedes,
  });
}

/** A context that shows nothing is found by nothing, and would stand in lists and answers all the same. */
function checkText(text: string): void {
  if (isBlank(text))
    throw badRequest('/text', 'is blank', 'the text is blank: only white space or invisible characters');
}

function toStoreOutcome({ created, record, missing }: PutOutcome, asked: ContextRecord): StoreOutcome | CodedError {
  if (missing !== undefined) return supersedesNothing(missing);
  if (record === null) return new CodedError('CONFLICT', 'a context with this id and another text exists');
  // What a context supersedes is said once, when it is stored.
  const superseded = new Set(record.times?.supersedes);
  if (!created && asked.times?.supersedes?.some((id) => !superseded.has(id)) === true)
    return new CodedError('CONFLICT', 'a context with this id and text exists, and supersedes others than these');
  const { id, level, tokenCount, createdAtMs } = record;
  return { id, level, tokenCount, createdAtMs, created };
}

function supersedesNothing(missing: readonly string[]): CodedError {
  const ids = missing.slice(0, NAMED_MAX).join(', ');
  const more = missing.length > NAMED_MAX ? ` and ${missing.length - NAMED_MAX} more` : '';
  return new CodedError('NOT_FOUND', `there is no context ${ids}${more} to be superseded: nothing was stored`);
}

/** Ids that an error's message names. */
const NAMED_MAX = 3;

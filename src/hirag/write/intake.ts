import { orAbort, throwIfAborted } from '../../base/abort.ts';
import type { Clock } from '../../base/clock.ts';
import type { ContextRecord } from '../../base/context.ts';
import { badRequest, CodedError, toCodedError } from '../../base/errors.ts';
import { uuidV7, type Random } from '../../base/random.ts';
import { inStage } from '../../base/request-scope.ts';
import { isBlank } from '../../base/text/blank.ts';
import type { EmbeddingProvider, OwnedText } from '../../embedding/provider.ts';
import type { ContextPatch, ContextStore, NewContext, TextVectors } from '../../store/store.ts';
import { clientVector } from '../client-vector.ts';
import { clientLifetime, type LevelPolicy } from '../tiers/level-policy.ts';
import { notFound, versionConflict, type PutOutcome, type Tiers } from '../tiers/tiers.ts';
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

  async update(input: UpdateInput, options: CallOptions): Promise<ContextRecord> {
    throwIfAborted(options.signal);
    const { store, tiers, policy, clock } = this.#deps;
    if (input.text !== undefined) checkText(input.text);
    if (input.level !== undefined) policy.check(input.level, '/level');
    const [before] = await orAbort(store.fetch(input.namespace, [input.id], clock.nowMs()), options.signal);
    if (before === undefined || before === null) throw notFound();
    if (input.ifVersion !== undefined && input.ifVersion !== before.version) throw versionConflict(before.version);
    const patch = this.#patch(input);
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
    const { policy, embedding } = this.#deps;
    const vector = input.embedding === undefined ? undefined : clientVector(input.embedding, embedding.dimension);
    return { input, level: policy.target(input.level), vector };
  }

  /** One call of the embedder and one of the store, however many drafts. */
  async #put(drafts: readonly Draft[], options: CallOptions): Promise<(StoreOutcome | CodedError)[]> {
    const { tokens, tiers } = this.#deps;
    const texts = drafts.map((draft) => draft.input.text);
    const [vectors, tokenCounts] = await Promise.all([
      this.#vectors(drafts, options),
      inStage('tokens', () => tokens.count(texts)),
    ]);
    throwIfAborted(options.signal);
    const contexts = drafts.map((draft, i): NewContext | CodedError => {
      const embedded = vectors[i] as TextVectors | CodedError;
      return embedded instanceof Error ? embedded : { record: this.#record(draft, tokenCounts[i] ?? 1), ...embedded };
    });
    const good = contexts.filter((context): context is NewContext => !(context instanceof Error));
    const outcomes = good.length === 0 ? [] : await tiers.put(good, options.signal);
    let next = 0;
    return contexts.map((context) =>
      context instanceof Error ? context : toStoreOutcome(outcomes[next++] as PutOutcome),
    );
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
    return {
      id: input.id ?? uuidV7(nowMs, random),
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
      ...(input.ttlMs === undefined ? policy.lifetime(level, nowMs) : clientLifetime(nowMs, input.ttlMs)),
      accessCount: 0,
    };
  }

  /** What is asked of everything but the text. */
  #patch({ metadata, tags, level, ttlMs }: UpdateInput): ContextPatch {
    const { policy, clock } = this.#deps;
    const nowMs = clock.nowMs();
    return {
      ...(metadata === undefined ? {} : { metadata }),
      ...(tags === undefined ? {} : { tags }),
      ...(level === undefined ? {} : { move: policy.move(level, nowMs) }),
      ...(ttlMs === undefined ? {} : { lifetime: clientLifetime(nowMs, ttlMs) }),
    };
  }

  async #newText(owned: OwnedText, options: CallOptions): Promise<NonNullable<ContextPatch['text']>> {
    const { tokens, vectors } = this.#deps;
    const [[embedded], [tokenCount]] = await Promise.all([vectors.of([owned], options), tokens.count([owned.text])]);
    if (embedded instanceof Error) throw embedded;
    return { text: owned.text, tokenCount: tokenCount ?? 1, ...(embedded as TextVectors) };
  }
}

/** A context that shows nothing is found by nothing, and would stand in lists and answers all the same. */
function checkText(text: string): void {
  if (isBlank(text))
    throw badRequest('/text', 'is blank', 'the text is blank: only white space or invisible characters');
}

function toStoreOutcome({ created, record }: PutOutcome): StoreOutcome | CodedError {
  if (record === null) return new CodedError('CONFLICT', 'a context with this id and another text exists');
  const { id, level, tokenCount, createdAtMs } = record;
  return { id, level, tokenCount, createdAtMs, created };
}

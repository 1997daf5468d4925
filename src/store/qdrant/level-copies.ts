// Collections of one model copied to those of another: every point with all that it carries and vectors by the new model,
// and nothing else. What is there already is known by its revision, and a vector by the text that it was made of.

import { LEVELS, type Level } from '../../base/context.ts';
import { CodedError } from '../../base/errors.ts';
import {
  checkRefusals,
  type EmbedTexts,
  type PassOptions,
  type PassOutcome,
  type RefusedContext,
} from '../reembedding.ts';
import type { TextVectors, Unembedded } from '../store.ts';
import type { Claim } from './claim.ts';
import { type CollectionCalls, unchanged, type WriteOperation } from './collection-calls.ts';
import {
  DENSE,
  lengthOf,
  numbersOf,
  passageNumbers,
  PASSAGES,
  WORDS,
  wordsOf,
  type FoundPoint,
  type Payload,
  type Point,
} from './points.ts';

/** Points that are compared at a time. */
const PAGE = 1_000;
/** What tells that a point has changed: access counts are written without a new revision. */
const COMPARED = ['revision', 'access_count'] as const;

export interface LevelCopiesDeps {
  readonly source: CollectionCalls;
  readonly target: CollectionCalls;
  readonly dimension: number;
  readonly claim: Claim;
  /** Tells servers that there are points with passages. */
  readonly notePassages: () => Promise<void>;
}

export interface CopyOutcome extends PassOutcome {
  /** Points that were written or deleted. */
  readonly changed: number;
}

interface Tally {
  contexts: number;
  embedded: number;
  changed: number;
  readonly refused: RefusedContext[];
}

export class LevelCopies {
  readonly #deps: LevelCopiesDeps;
  #hasNoted = false;

  constructor(deps: LevelCopiesDeps) {
    this.#deps = deps;
  }

  /** `retriesRefused`: texts that the model refused are embedded again. */
  async pass(options: PassOptions, retriesRefused: boolean): Promise<CopyOutcome> {
    const tally: Tally = { contexts: 0, embedded: 0, changed: 0, refused: [] };
    for (const level of LEVELS) await this.#copy(level, options, retriesRefused, tally);
    for (const level of LEVELS) await this.#remove(level, tally);
    return tally;
  }

  async #copy(level: Level, { embed, batchTexts, onProgress }: PassOptions, retriesRefused: boolean, tally: Tally) {
    for await (const points of pages(this.#deps.source, level)) {
      const known = new Map(
        (await this.#deps.target.retrieve(level, idsOf(points), [...COMPARED, 'unembedded'], false)).map(one),
      );
      const missing = points.filter(({ id, payload }) => {
        const copy = known.get(id);
        const isThere = COMPARED.every((field) => copy?.[field] === payload[field]);
        return !isThere || (copy?.unembedded === 'refused' && retriesRefused);
      });
      tally.contexts += points.length - missing.length;
      for (let from = 0; from < missing.length; from += batchTexts) {
        const ids = idsOf(missing.slice(from, from + batchTexts));
        await this.#write(level, ids, embed, tally);
        tally.contexts += ids.length;
        onProgress?.(tally.contexts, tally.embedded);
      }
      onProgress?.(tally.contexts, tally.embedded);
    }
  }

  async #write(level: Level, ids: readonly string[], embed: EmbedTexts, tally: Tally): Promise<void> {
    const { source, target, claim } = this.#deps;
    const points = await source.retrieve(level, ids, true, false);
    const made = await this.#made(ids);
    const texts = points.filter(({ id, payload }) => made.get(id)?.payload.text !== payload.text);
    const embedded = texts.length === 0 ? [] : await embed(texts.map(({ payload }) => payload));
    const vectors = new Map(texts.map(({ id }, i) => [id, embedded[i] as TextVectors | CodedError]));
    const operations = points.map(({ id, payload }): WriteOperation => {
      const vector = vectors.get(id);
      if (vector === undefined) return upsert(id, payload, made.get(id)?.vector, null);
      if (vector instanceof CodedError) {
        tally.refused.push({ namespace: payload.namespace, id: payload.id, reason: vector.message });
        return upsert(id, payload, { [DENSE]: new Array<number>(this.#deps.dimension).fill(0) }, 'refused');
      }
      const passages = passageNumbers(vector.passages ?? []);
      return upsert(id, payload, { [DENSE]: numbersOf(vector.vector), [PASSAGES]: passages }, null);
    });
    checkRefusals(tally.contexts + ids.length, tally.refused.length);
    if (operations.some(hasPassages)) await this.#notePassages();
    claim.check();
    await target.write(level, operations);
    tally.embedded += [...vectors.values()].filter((vector) => !(vector instanceof CodedError)).length;
    tally.changed += operations.length;
  }

  /** Points with vectors by the new model that there are of these, in whichever level: they may have moved since. */
  async #made(ids: readonly string[]): Promise<ReadonlyMap<string, FoundPoint>> {
    const { target } = this.#deps;
    const found = await Promise.all(
      LEVELS.map((level) => target.retrieve(level, ids, ['text', 'unembedded'], [DENSE, PASSAGES])),
    );
    const points = found.flat().filter(({ payload }) => (payload.unembedded ?? null) === null);
    return new Map(points.map((point) => [point.id, point]));
  }

  async #notePassages(): Promise<void> {
    if (!this.#hasNoted) await this.#deps.notePassages();
    this.#hasNoted = true;
  }

  /** What is no longer in the level. */
  async #remove(level: Level, tally: Tally): Promise<void> {
    const { source, target, claim } = this.#deps;
    for await (const points of pages(target, level)) {
      const living = new Set(idsOf(await source.retrieve(level, idsOf(points), ['revision'], false)));
      const left = points.filter(({ id }) => !living.has(id));
      const awaited = await this.#awaited(level, idsOf(left));
      const gone = left.filter(({ id }) => !awaited.has(id));
      if (gone.length === 0) continue;
      claim.check();
      await target.write(level, [{ delete: { filter: unchanged(gone) } }]);
      tally.changed += gone.length;
    }
  }

  /** Those that have moved to another level since it was copied: the next pass takes their vectors along. */
  async #awaited(left: Level, ids: readonly string[]): Promise<ReadonlySet<string>> {
    const { source, target } = this.#deps;
    const moved = await Promise.all(
      LEVELS.filter((level) => level !== left).map(async (level) => {
        const there = idsOf(await source.retrieve(level, ids, ['revision'], false));
        const copied = new Set(idsOf(await target.retrieve(level, there, ['revision'], false)));
        return there.filter((id) => !copied.has(id));
      }),
    );
    return new Set(moved.flat());
  }
}

async function* pages(calls: CollectionCalls, level: Level): AsyncGenerator<readonly FoundPoint[]> {
  for (let from: string | null = null; ; ) {
    const { points, next } = await calls.scroll(level, from, PAGE, COMPARED);
    yield points;
    if (next === null) return;
    from = next;
  }
}

function upsert(
  id: string,
  payload: Payload,
  { [DENSE]: dense = [], [PASSAGES]: passages = [] }: NonNullable<FoundPoint['vector']> = {},
  unembedded: Unembedded | null,
): WriteOperation {
  const point: Point = {
    id,
    vector: { [DENSE]: dense, [WORDS]: wordsOf(payload), ...(passages.length > 0 && { [PASSAGES]: passages }) },
    payload: { ...payload, length: lengthOf(dense), unembedded },
  };
  return { upsert: { points: [point] } };
}

function hasPassages(operation: WriteOperation): boolean {
  return 'upsert' in operation && operation.upsert.points.some(({ vector }) => vector[PASSAGES] !== undefined);
}

function one({ id, payload }: FoundPoint): [string, Payload] {
  return [id, payload];
}

function idsOf(points: readonly FoundPoint[]): string[] {
  return points.map(({ id }) => id);
}

import { CodedError, StartupError } from '../../../base/errors.ts';
import type { Log } from '../../../base/log.ts';
import type { Random } from '../../../base/random.ts';
import type { SealKeys } from '../border/opening-settings.ts';
import {
  checkRefusals,
  type EmbeddingIdentity,
  type EmbedTexts,
  isSameEmbedding,
  type PassOptions,
  type PassOutcome,
  type Reembedding,
  type RefusedContext,
} from '../../reembedding.ts';
import type { TextVectors } from '../../store.ts';
import { isFolderInUse } from '../database/data-folder.ts';
import { openDatabase } from '../database/database.ts';
import { hasNewVectors, type NewVector, NewVectors } from '../database/new-vectors.ts';
import { type SourceRow, TextSource } from './text-source.ts';

/** Contexts that a start embeds itself: what came between the last pass and the end of the old server. */
const AT_START_MAX = 5_000;
const BATCH_TEXTS = 64;

export interface ReembeddingDeps {
  readonly dataDir: string;
  readonly to: EmbeddingIdentity;
  readonly seal: SealKeys;
  readonly random: Random;
}

/** null: nothing is stored, or nothing by another model. Throws `StartupError`. */
export function openEmbeddedReembedding({ dataDir, to, seal, random }: ReembeddingDeps): EmbeddedReembedding | null {
  const source = new TextSource(dataDir, seal, random);
  const from = source.embedding();
  if (from === null || isSameEmbedding(from, to)) return null;
  return new EmbeddedReembedding({ dataDir, source, from, to, seal, random });
}

/** What the stored vectors are made by; null: nothing is stored. Rejects with `StartupError`. */
export async function storedIn(dataDir: string, seal: SealKeys, random: Random): Promise<EmbeddingIdentity | null> {
  return Promise.resolve(new TextSource(dataDir, seal, random).embedding());
}

interface Parts extends ReembeddingDeps {
  readonly source: TextSource;
  readonly from: EmbeddingIdentity;
}

class EmbeddedReembedding implements Reembedding {
  readonly from: EmbeddingIdentity;
  readonly #parts: Parts;
  #vectors: NewVectors;

  constructor(parts: Parts) {
    this.from = parts.from;
    this.#parts = parts;
    this.#vectors = NewVectors.open(parts.dataDir, parts.to, parts.source.sealer);
  }

  count(): Promise<number> {
    return Promise.resolve(this.#parts.source.count());
  }

  async missing(max: number): Promise<number> {
    let count = 0;
    for await (const rows of this.#pages()) {
      count += rows.filter((row) => this.#vectors.of(row) === null).length;
      if (count >= max) return max;
    }
    return count;
  }

  /** To be embedded again by a service that may have been set up otherwise since. */
  forgetRefused(): void {
    this.#vectors.forgetRefused();
  }

  async pass({ embed, batchTexts, onProgress }: PassOptions): Promise<PassOutcome> {
    const refused: RefusedContext[] = [];
    let contexts = 0;
    let embedded = 0;
    for await (const rows of this.#pages()) {
      const missing = rows.filter((row) => this.#vectors.of(row) === null);
      contexts += rows.length - missing.length;
      for (let from = 0; from < missing.length; from += batchTexts) {
        const made = await this.#embed(missing.slice(from, from + batchTexts), embed);
        for (const { row, refusal } of made) {
          if (refusal !== null) refused.push({ namespace: row.namespace, id: row.id, reason: refusal });
          else embedded++;
        }
        contexts += made.length;
        checkRefusals(contexts, refused.length);
        this.#vectors.put(made);
        onProgress?.(contexts, embedded);
      }
      onProgress?.(contexts, embedded);
    }
    return { contexts, embedded, refused };
  }

  switchOver(): Promise<boolean> {
    const { dataDir, to, seal, random, source } = this.#parts;
    if (isFolderInUse(dataDir)) return Promise.resolve(false);
    this.#vectors.close();
    try {
      const { id: embeddingId, dimension } = to;
      const settings = { dataDir, embeddingId, dimension, databasePagesMax: null, mayReembed: true, seal };
      openDatabase(settings, { random }).close();
    } catch (error) {
      this.#vectors = NewVectors.open(dataDir, to, source.sealer);
      throw error;
    }
    return Promise.resolve(true);
  }

  close(): Promise<void> {
    this.#vectors.close();
    return Promise.resolve();
  }

  /** Between two pages others get their turn. */
  async *#pages(): AsyncGenerator<SourceRow[]> {
    for (let after = 0; ; ) {
      const rows = this.#parts.source.after(after);
      const last = rows.at(-1);
      if (last === undefined) return;
      after = last.seq;
      yield rows;
      await new Promise(setImmediate);
    }
  }

  async #embed(rows: readonly SourceRow[], embed: EmbedTexts): Promise<(NewVector & { readonly row: SourceRow })[]> {
    const made = await embed(rows.map(({ namespace, text }) => ({ namespace, text })));
    return rows.map((row, i) => {
      const one = made[i] as TextVectors | CodedError;
      if (!(one instanceof CodedError)) return { ...one, row, refusal: null };
      return { row, vector: new Float32Array(this.#parts.to.dimension), refusal: one.message };
    });
  }
}

/** Whether so little is missing of the new vectors that a start makes it. Rejects with `StartupError`. */
export async function isNearlyReembedded(deps: ReembeddingDeps): Promise<boolean> {
  const reembedding = openEmbeddedReembedding(deps);
  try {
    return reembedding === null || (await reembedding.missing(AT_START_MAX + 1)) <= AT_START_MAX;
  } finally {
    await reembedding?.close();
  }
}

export interface CompletionDeps extends ReembeddingDeps {
  readonly embed: EmbedTexts;
  readonly log: Log;
}

/**
 * Before the database is opened: makes the vectors that are still missing among those of a finished re-embedding. Does
 * nothing where there is none. Throws `StartupError`, with nothing lost that was done, where they are too many or the model
 * does not answer.
 */
export async function completeReembedding({ embed, log, ...deps }: CompletionDeps): Promise<void> {
  const { dataDir, to } = deps;
  if (!hasNewVectors(dataDir, to) || isFolderInUse(dataDir)) return;
  const reembedding = openEmbeddedReembedding(deps);
  if (reembedding === null) return;
  try {
    const missing = await reembedding.missing(AT_START_MAX + 1);
    if (missing > AT_START_MAX) {
      throw new StartupError(
        `more than ${AT_START_MAX} contexts are not embedded with ${to.id} yet`,
        'Run `context-manager reembed` with this configuration to its end, then start again; until then a server can run with the configuration of before.',
      );
    }
    if (missing === 0) return;
    const { embedded, refused } = await reembedding.pass({ embed, batchTexts: BATCH_TEXTS });
    log.info({ embedded }, 'contexts that came after re-embedding have their new vectors');
    for (const { namespace, id, reason } of refused)
      log.warn({ namespace, id, reason }, 'the new model refuses this context: words alone find it');
  } catch (error) {
    if (!(error instanceof CodedError)) throw error;
    throw new StartupError(
      `contexts that came after re-embedding cannot be embedded with ${to.id}: ${error.message}`,
      'Nothing was changed. Look at the embedding service, and start again; until then a server can run with the configuration of before.',
      error,
    );
  } finally {
    await reembedding.close();
  }
}

import type { EmbeddingIdentity, PassOptions, PassOutcome, Reembedding } from '../reembedding.ts';
import { isSameEmbedding } from '../reembedding.ts';
import { LEVELS } from '../../base/context.ts';
import { Claim, REEMBEDDING } from './claim.ts';
import { CollectionCalls } from './collection-calls.ts';
import { type ConnectionOptions, withConnection } from './connection.ts';
import type { LevelCopies } from './level-copies.ts';
import { type Meta, readMeta } from './meta.ts';
import { copiesOf, type CopyOptions } from './qdrant-switch.ts';

/** null: nothing is stored, or nothing by another model. Throws `StartupError`. */
export function openQdrantReembedding(
  options: ConnectionOptions & Omit<CopyOptions, 'http'>,
): Promise<Reembedding | null> {
  return withConnection(options, async (http) => {
    const from = await readMeta(http, options.prefix);
    if (from === undefined || isSameEmbedding(from.embedding, options.embedding)) {
      http.close();
      return null;
    }
    const parts = { ...options, http };
    const claim = await Claim.take(parts, REEMBEDDING);
    try {
      return new QdrantReembedding(parts, from, claim, await copiesOf(parts, from, claim));
    } catch (error) {
      await claim.release();
      throw error;
    }
  });
}

/** What the stored vectors are made by; null: nothing is stored. Rejects with `StartupError`. */
export function storedInQdrant(
  options: ConnectionOptions & Pick<CopyOptions, 'prefix'>,
): Promise<EmbeddingIdentity | null> {
  return withConnection(options, async (http) => {
    try {
      return (await readMeta(http, options.prefix))?.embedding ?? null;
    } finally {
      http.close();
    }
  });
}

class QdrantReembedding implements Reembedding {
  readonly from: Reembedding['from'];
  readonly #options: CopyOptions;
  readonly #claim: Claim;
  readonly #copies: LevelCopies;
  readonly #source: CollectionCalls;
  #isFirst = true;

  constructor(options: CopyOptions, { embedding, stem }: Meta, claim: Claim, copies: LevelCopies) {
    this.from = embedding;
    this.#options = options;
    this.#claim = claim;
    this.#copies = copies;
    this.#source = new CollectionCalls(options.http, stem, options.readConsistency, false);
  }

  async count(): Promise<number> {
    const counts = await Promise.all(LEVELS.map((level) => this.#source.count(level, {})));
    return counts.reduce((sum, count) => sum + count, 0);
  }

  pass(options: PassOptions): Promise<PassOutcome> {
    const retriesRefused = this.#isFirst;
    this.#isFirst = false;
    return this.#copies.pass(options, retriesRefused);
  }

  /** Nobody can tell whether servers are at work: the first that starts with the new model does it. */
  switchOver(): Promise<boolean> {
    return Promise.resolve(false);
  }

  async close(): Promise<void> {
    try {
      await this.#claim.release();
    } finally {
      this.#options.http.close();
    }
  }
}

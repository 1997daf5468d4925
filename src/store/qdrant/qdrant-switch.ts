// The one step from the collections of one model to those of another, which `context-manager reembed` has made.

import { createHash } from 'node:crypto';
import { LEVELS } from '../../base/context.ts';
import type { Clock } from '../../base/clock.ts';
import { CodedError, StartupError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { type EmbeddingIdentity, type EmbedTexts, isSameEmbedding } from '../reembedding.ts';
import { Claim, REEMBEDDING } from './claim.ts';
import { CollectionCalls, type ReadConsistency } from './collection-calls.ts';
import { collectionOf, type CollectionSettings, prepareCollections } from './collections.ts';
import type { HttpClient } from './http-client.ts';
import { LevelCopies } from './level-copies.ts';
import { forgetReplaced, type Meta, notePassages, otherModel, readMeta, switchMeta } from './meta.ts';
import { dropCollection, dropEmpty } from './places.ts';

/** Contexts that a start embeds itself: what came between the last pass and the end of the old servers. */
const AT_START_MAX = 5_000;
const BATCH_TEXTS = 64;

export interface CopyOptions extends Omit<CollectionSettings, 'dimension'> {
  readonly http: HttpClient;
  readonly readConsistency: ReadConsistency;
  readonly embedding: EmbeddingIdentity;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}

/** What the names of a model's collections begin with. No prefix has a point in it, so they are nobody else's. */
function stemOfModel(prefix: string, { id, dimension }: EmbeddingIdentity): string {
  return `${prefix}.${createHash('sha256').update(`${id}\0${dimension}`).digest('hex').slice(0, 8)}`;
}

/** `reembed` has begun to make the model's collections. */
export async function hasCopies(http: HttpClient, prefix: string, embedding: EmbeddingIdentity): Promise<boolean> {
  const name = collectionOf(stemOfModel(prefix, embedding), 'immediate');
  return (await http.call<{ exists: boolean }>('GET', `/collections/${name}/exists`)).exists;
}

/** Makes the model's collections where they are missing. */
export async function copiesOf(options: CopyOptions, from: Meta, claim: Claim): Promise<LevelCopies> {
  const { http, prefix, readConsistency, embedding } = options;
  const { dimension } = embedding;
  const stem = stemOfModel(prefix, embedding);
  await prepareCollections(http, { ...options, prefix: stem, dimension });
  const callsOf = (name: string) => new CollectionCalls(http, name, readConsistency, false);
  const notes = () => notePassages(http, prefix);
  return new LevelCopies({ source: callsOf(from.stem), target: callsOf(stem), dimension, claim, notePassages: notes });
}

/**
 * Copies what came since `reembed` has ended, and puts the model's collections in place of those that are in use, which
 * are deleted. No server of the old model may be at work. Throws `StartupError`, with nothing changed for the old
 * servers, where that cannot be.
 */
export async function switchOver(options: CopyOptions & { readonly embed: EmbedTexts }): Promise<Meta> {
  const { http, prefix, embedding, log } = options;
  const claim = await Claim.take(options, REEMBEDDING);
  try {
    const from = await readMeta(http, prefix);
    if (from === undefined || isSameEmbedding(from.embedding, embedding)) return from ?? nothingThere(prefix);
    if (!(await hasCopies(http, prefix, embedding))) throw otherModel(from.embedding, embedding);
    await copyRest(options, from, claim);
    claim.check();
    const now = (await readMeta(http, prefix)) ?? from;
    const meta = await switchMeta(http, prefix, now, { embedding, stem: stemOfModel(prefix, embedding) });
    log.info({ from: from.embedding.id, to: embedding.id }, 'the collections of another model have taken their place');
    await dropReplaced(http, prefix, meta, log);
    return meta;
  } finally {
    await claim.release();
  }
}

async function copyRest(
  options: CopyOptions & { readonly embed: EmbedTexts },
  from: Meta,
  claim: Claim,
): Promise<void> {
  const { embedding, log } = options;
  const copies = await copiesOf(options, from, claim);
  const pass = { embed: bounded(options.embed, embedding), batchTexts: BATCH_TEXTS };
  try {
    const { embedded, refused: refusals } = await copies.pass(pass, false);
    if (embedded > 0) log.info({ embedded }, 'contexts that came after re-embedding have their new vectors');
    for (const { namespace, id, reason } of refusals)
      log.warn({ namespace, id, reason }, 'the new model refuses this context: words alone find it');
    if ((await copies.pass(pass, false)).changed === 0) return;
  } catch (error) {
    if (!(error instanceof CodedError) || error.code !== 'EMBEDDING_UNAVAILABLE') throw error;
    throw new StartupError(
      `contexts that came after re-embedding cannot be embedded with ${embedding.id}: ${error.message}`,
      'Nothing was changed. Look at the embedding service, and start again; until then servers can run with the configuration of before.',
      error,
    );
  }
  throw new StartupError(
    'contexts are still being changed: another server runs with the configuration of before',
    'Nothing was changed. Stop every server of the old model, and start again.',
  );
}

function bounded(embed: EmbedTexts, { id }: EmbeddingIdentity): EmbedTexts {
  let embedded = 0;
  return (texts) => {
    embedded += texts.length;
    if (embedded <= AT_START_MAX) return embed(texts);
    throw new StartupError(
      `more than ${AT_START_MAX} contexts are not embedded with ${id} yet`,
      'Run `context-manager reembed` with this configuration to its end, then start again; until then servers can run with the configuration of before.',
    );
  };
}

/**
 * Deletes the collections that were in use before: they grow old from here on, and a server that somebody forgot fails by
 * it rather than keeping what it is told where nobody looks. What a kill left is done by the next start. Resolves with the
 * names of those that stay, as they hold what is nowhere else.
 */
export async function dropReplaced(
  http: HttpClient,
  prefix: string,
  { replaced, replacedDocuments, stem }: Meta,
  log: Log,
): Promise<string[]> {
  if (replaced === null || replaced === stem) return [];
  if (replacedDocuments === null) {
    for (const level of LEVELS) await dropCollection(http, collectionOf(replaced, level));
  } else {
    const kept = await dropEmpty(http, { stem: replaced, documents: replacedDocuments });
    if (kept.length > 0) {
      log.warn(
        { collections: kept },
        'these collections are not in use: a server has written to them during a restore',
      );
      return kept;
    }
  }
  await forgetReplaced(http, prefix);
  log.info({ collections: replaced }, 'the collections that were in use before are deleted');
  return [];
}

function nothingThere(prefix: string): never {
  throw new StartupError(`the collection ${prefix}_meta is gone`, 'Start again.');
}

import type { Metrics } from '../../base/metrics.ts';
import type { Random } from '../../base/random.ts';
import type { EmbedTexts } from '../reembedding.ts';
import { isSameEmbedding } from '../reembedding.ts';
import { CollectionCalls, type ReadConsistency } from './collection-calls.ts';
import { type CollectionSettings, type PreparedCollections, prepareCollections } from './collections.ts';
import { type ConnectionOptions, withConnection } from './connection.ts';
import type { HttpClient } from './http-client.ts';
import { agreeOnMeta, type Meta, notePassages, otherModel, readMeta } from './meta.ts';
import { PassageUse } from './passage-use.ts';
import { prepareDocuments, QdrantDocuments } from './qdrant-documents.ts';
import { QdrantDriver } from './qdrant-driver.ts';
import { QdrantStore } from './qdrant-store.ts';
import { dropReplaced, hasCopies, switchOver } from './qdrant-switch.ts';
import { Similarity } from './similarity.ts';

export interface QdrantStoreOptions extends Omit<CollectionSettings, 'dimension' | 'hnsw'>, ConnectionOptions {
  /** Copies that a read asks. */
  readonly readConsistency: ReadConsistency;
  readonly hnsw: { readonly m: number; readonly efConstruction: number; readonly efSearch: number };
  /** What the vectors are made by. */
  readonly embedding: { readonly id: string; readonly dimension: number };
  /** Nothing is made: without collections of the prefix it cannot be opened. */
  readonly mustExist?: boolean | undefined;
  /** Makes them: then collections that `context-manager reembed` has made take the place of those of another model. */
  readonly embed?: EmbedTexts | undefined;
  /** Calls that wait to be written; one more is `OVERLOADED`. */
  readonly maxQueue: number;
  /** What they may weigh, in bytes. */
  readonly maxQueueBytes: number;
  readonly random: Random;
  readonly metrics: Metrics;
}

/** Throws `StartupError` where the server cannot be reached or used, or holds something else. */
export function openQdrantStore(options: QdrantStoreOptions): Promise<QdrantStore> {
  const { random, embedding } = options;
  return withConnection(options, async (http) => {
    const stem = await stemOf(http, options);
    const { takePassages } = await prepareCollections(http, {
      ...options,
      prefix: stem,
      dimension: embedding.dimension,
    });
    const meta = await agreeOnMeta(http, options, embedding, random);
    // Another server may have been faster.
    if (!isSameEmbedding(meta.embedding, embedding)) throw otherModel(meta.embedding, embedding);
    const hasDocuments = await prepareDocuments(http, { ...options, prefix: meta.documents });
    return storeOver(http, options, { ...meta, takePassages, hasDocuments });
  });
}

export interface CollectionsInUse
  extends Omit<Meta, 'embedding' | 'replaced' | 'replacedDocuments'>,
    PreparedCollections {
  /** A store of an earlier version that is only read may have none. */
  readonly hasDocuments: boolean;
}

/** Over collections that are there. */
export function storeOver(
  http: HttpClient,
  options: QdrantStoreOptions,
  { stem, documents, cursorKey, hasPassages, takePassages, hasDocuments }: CollectionsInUse,
): QdrantStore {
  const { clock, random, prefix, distance, hnsw, quantization, embedding } = options;
  const callsOf = (isUrgent: boolean) => new CollectionCalls(http, stem, options.readConsistency, isUrgent);
  const [calls, writingCalls] = [callsOf(false), callsOf(true)];
  const isQuantized = quantization !== 'none';
  const similarity = new Similarity({ distance, efSearch: hnsw.efSearch, isQuantized });
  const passages = new PassageUse({
    isPossible: takePassages,
    isExpected: options.needsPassages === true,
    isNoted: hasPassages,
    note: () => notePassages(http, prefix),
  });
  const driver = new QdrantDriver({
    http,
    documents: new QdrantDocuments(http, documents, options.readConsistency, random, !hasDocuments),
    calls,
    writingCalls,
    similarity,
    passages,
    clock,
    random,
  });
  return new QdrantStore(driver, calls, {
    ...options,
    dimension: embedding.dimension,
    cursorKey,
    queueMax: options.maxQueue,
    queueBytesMax: options.maxQueueBytes,
    copied: { http, prefix, stem, random },
  });
}

/** What the names of the collections in use begin with. Throws `StartupError` where they are of another model. */
async function stemOf(http: HttpClient, options: QdrantStoreOptions): Promise<string> {
  const { prefix, embedding, embed } = options;
  const meta = await readMeta(http, prefix);
  if (meta === undefined) return prefix;
  if (isSameEmbedding(meta.embedding, embedding)) {
    if (options.mustExist !== true) await dropReplaced(http, prefix, meta, options.log);
    return meta.stem;
  }
  if (embed === undefined || !(await hasCopies(http, prefix, embedding))) throw otherModel(meta.embedding, embedding);
  return (await switchOver({ ...options, http, embed })).stem;
}

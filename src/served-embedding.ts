import { StartupError } from './base/errors.ts';
import type { Settings } from './config/settings.ts';
import {
  type EmbeddingParts,
  isNearlyEmbedded,
  type OpenedProvider,
  openEmbedding,
  storedEmbedding,
} from './drivers.ts';
import type { EmbeddingIdentity } from './store/reembedding.ts';

/** Of the local embedder before it knew meanings. */
const OLDER_LOCAL = /^local-hash-v\d+-\d+$/;

/** What texts and queries are embedded with. */
export interface ServedEmbedding {
  readonly provider: OpenedProvider;
  /** What the settings ask for, where that is not what serves yet; null: it does. */
  readonly upgradesTo: EmbeddingIdentity | null;
}

/**
 * The embedder that the settings name; where they name the local one, and what is stored was embedded by an older version
 * of it, that one: its vectors answer as they did, until those of the new one are made. Throws `StartupError`.
 */
export async function openServedEmbedding(
  settings: Pick<Settings, 'embedding' | 'vectorDb'>,
  parts: EmbeddingParts,
): Promise<ServedEmbedding> {
  const provider = await openEmbedding(settings, parts);
  if (settings.embedding.provider !== 'local') return { provider, upgradesTo: null };
  const storeParts = { ...parts, embedding: provider };
  const stored = await storedEmbedding(settings.vectorDb, storeParts).catch(leftToTheStore);
  if (stored === null || !OLDER_LOCAL.test(stored.id)) return { provider, upgradesTo: null };
  if (await isNearlyEmbedded(settings.vectorDb, storeParts)) return { provider, upgradesTo: null };
  const older = await openEmbedding(
    {
      embedding: { ...settings.embedding, provider: 'local-hash' },
      vectorDb: { ...settings.vectorDb, vectorSize: stored.dimension },
    },
    parts,
  );
  // Of a version that this program no longer has: the start says what to do.
  if (older.id !== stored.id) return { provider, upgradesTo: null };
  await provider.close();
  return { provider: older, upgradesTo: { id: provider.id, dimension: provider.dimension } };
}

/** What is wrong with the data is told by whoever opens them. */
function leftToTheStore(error: unknown): null {
  if (error instanceof StartupError) return null;
  throw error;
}

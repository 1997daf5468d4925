import { availableParallelism } from 'node:os';
import type { ThreadDeaths } from '../base/resilience/thread-deaths.ts';
import { StartupError } from '../base/errors.ts';
import { createLocalThread, type LocalThreadOptions } from './local-thread.ts';
import { createLocalProvider } from './local.ts';
import type { EmbeddingProvider } from './provider.ts';
import { readWordTable, type WordTable } from './word-table.ts';

interface LocalParts extends Pick<LocalThreadOptions, 'dimension' | 'clock' | 'log'> {
  readonly threads?: ThreadDeaths | undefined;
  /** Meanings of words are compared, too. */
  readonly hasMeanings: boolean;
}

/** The local embedder beside the main thread, where there is a core for it. Throws `StartupError` where its table is damaged. */
export async function openLocal({
  hasMeanings,
  threads,
  dimension,
  clock,
  log,
}: LocalParts): Promise<EmbeddingProvider & { close(): Promise<void> }> {
  const table = hasMeanings ? await wordTable() : null;
  const onDeath = (): void => threads?.died('embedding');
  if (availableParallelism() > 1) return createLocalThread({ dimension, table, onDeath, clock, log });
  return Object.assign(createLocalProvider({ dimension, table }), { close: () => Promise.resolve() });
}

async function wordTable(): Promise<WordTable> {
  try {
    return await readWordTable();
  } catch (error) {
    throw new StartupError(
      `the word vectors that come with the program cannot be read: ${(error as Error).message}`,
      'Install context-manager again: its folder word-vectors is not whole.',
      error,
    );
  }
}

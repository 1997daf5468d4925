import { startQdrantDouble } from './start-qdrant-double.ts';

export interface ComparedServer {
  readonly name: string;
  readonly isDouble: boolean;
  /** A server of which nobody else uses the collections of the test. */
  readonly start: () => Promise<{ readonly url: string; close(): Promise<void> }>;
}

/**
 * What tests say of the double must be true of Qdrant, too: where QDRANT_COMPARE_URL names a server of the version of
 * the recordings, without a key, the same tests run on it.
 */
export function comparedServers(): ComparedServer[] {
  const url = process.env['QDRANT_COMPARE_URL'];
  const double = { name: 'the double of Qdrant', isDouble: true, start: () => startQdrantDouble() };
  if (url === undefined) return [double];
  const start = (): ReturnType<ComparedServer['start']> => Promise.resolve({ url, close: () => Promise.resolve() });
  return [double, { name: 'Qdrant', isDouble: false, start }];
}

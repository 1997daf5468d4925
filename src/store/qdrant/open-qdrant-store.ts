import { readFileSync } from 'node:fs';
import type { Clock } from '../../base/clock.ts';
import { StartupError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Random } from '../../base/random.ts';
import type { GuardedBackend } from '../../base/resilience/guarded-backend.ts';
import { addressOf, type AddressSettings, REST_PORT } from './address.ts';
import { CollectionCalls, type ReadConsistency } from './collection-calls.ts';
import { type CollectionSettings, prepareCollections } from './collections.ts';
import { HttpClient } from './http-client.ts';
import { agreeOnMeta, notePassages } from './meta.ts';
import { PassageUse } from './passage-use.ts';
import { QdrantDriver } from './qdrant-driver.ts';
import { QdrantStore } from './qdrant-store.ts';
import { Similarity } from './similarity.ts';

export interface QdrantStoreOptions extends Omit<CollectionSettings, 'dimension' | 'hnsw'>, AddressSettings {
  readonly apiKey?: string | undefined;
  /** How long one request to Qdrant may take, in milliseconds. */
  readonly timeoutMs: number;
  /** Of one reply of Qdrant; absent: as `HttpClientOptions` has it. */
  readonly replyBytesMax?: number | undefined;
  /** File of the certificate authority to trust, in PEM. */
  readonly tlsCertPath?: string | undefined;
  /** Copies that a read asks. */
  readonly readConsistency: ReadConsistency;
  readonly hnsw: { readonly m: number; readonly efConstruction: number; readonly efSearch: number };
  /** What the vectors are made by. */
  readonly embedding: { readonly id: string; readonly dimension: number };
  /** Nothing is made: without collections of the prefix it cannot be opened. */
  readonly mustExist?: boolean | undefined;
  readonly backend: GuardedBackend;
  /** Calls that wait to be written; one more is `OVERLOADED`. */
  readonly maxQueue: number;
  /** What they may weigh, in bytes. */
  readonly maxQueueBytes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

const OLDEST = [1, 12] as const;
/** From here on a point is written only where nobody has written it meanwhile. */
const GUARDED = [1, 17] as const;

/** Throws `StartupError` where the server cannot be reached or used, or holds something else. */
export async function openQdrantStore(options: QdrantStoreOptions): Promise<QdrantStore> {
  const { clock, random, log, prefix, distance, hnsw, quantization, embedding } = options;
  const address = addressOf(options, log);
  const http = new HttpClient({
    url: address,
    apiKey: options.apiKey,
    timeoutMs: options.timeoutMs,
    verifiesCertificate: options.tlsVerify,
    ...certificateOf(options),
    replyBytesMax: options.replyBytesMax,
    backend: options.backend,
    clock,
  });
  try {
    await checkServer(http, options);
    const { takePassages } = await prepareCollections(http, { ...options, dimension: embedding.dimension });
    const { cursorKey, hasPassages } = await agreeOnMeta(http, options, embedding, random);
    const callsOf = (isUrgent: boolean) => new CollectionCalls(http, prefix, options.readConsistency, isUrgent);
    const [calls, writingCalls] = [callsOf(false), callsOf(true)];
    const isQuantized = quantization !== 'none';
    const similarity = new Similarity({ distance, efSearch: hnsw.efSearch, isQuantized });
    const passages = new PassageUse({
      isPossible: takePassages,
      isExpected: options.needsPassages === true,
      isNoted: hasPassages,
      note: () => notePassages(http, prefix),
    });
    const driver = new QdrantDriver({ http, calls, writingCalls, similarity, passages, clock, random });
    return new QdrantStore(driver, calls, {
      ...options,
      dimension: embedding.dimension,
      cursorKey,
      queueMax: options.maxQueue,
      queueBytesMax: options.maxQueueBytes,
    });
  } catch (error) {
    http.close();
    if (error instanceof StartupError) throw error;
    log.debug({ err: error }, 'Qdrant could not be opened');
    throw new StartupError(
      `Qdrant at ${address.origin} cannot be used: ${reasonsOf(error)}`,
      'Check vector_db.url, vector_db.api_key and the tls settings, and that the server runs: docs/qdrant.md.',
      error,
    );
  }
}

/** With what lies beneath: a refused connection, a certificate that nobody vouches for. */
function reasonsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  const beneath = cause instanceof Error ? cause.message || (cause as NodeJS.ErrnoException).code : cause;
  return typeof beneath === 'string' && beneath !== '' ? `${error.message} (${beneath})` : error.message;
}

function certificateOf({ tlsCertPath }: QdrantStoreOptions): { certificateAuthority?: string } {
  if (tlsCertPath === undefined) return {};
  try {
    return { certificateAuthority: readFileSync(tlsCertPath, 'utf8') };
  } catch (error) {
    throw new StartupError(
      `the certificate at ${tlsCertPath} cannot be read`,
      'Set vector_db.tls_cert_path to a file in PEM.',
      error,
    );
  }
}

async function checkServer(http: HttpClient, { log }: QdrantStoreOptions): Promise<void> {
  const version = versionIn(await http.text('/'));
  if (version === null) {
    throw new StartupError(
      'what answers at vector_db.url is not Qdrant',
      `Set it to the address of Qdrant's REST interface, as http://host:${REST_PORT}.`,
    );
  }
  if (isOlder(version, OLDEST)) {
    throw new StartupError(
      `Qdrant ${version.join('.')} is too old`,
      `Use ${OLDEST.join('.')} or newer; ${GUARDED.join('.')} or newer where several servers share it.`,
    );
  }
  if (isOlder(version, GUARDED)) {
    log.warn(
      { version: version.join('.') },
      'this Qdrant cannot refuse a write that another one overtook: run one server over it, or use 1.17 or newer',
    );
  }
}

function versionIn(text: string): number[] | null {
  const match = /"version"\s*:\s*"(\d+)\.(\d+)\.(\d+)/.exec(text);
  return match === null || !text.includes('qdrant') ? null : match.slice(1, 4).map(Number);
}

function isOlder(version: readonly number[], than: readonly number[]): boolean {
  for (const [i, part] of than.entries()) if (version[i] !== part) return (version[i] ?? 0) < part;
  return false;
}

import { createHash, randomBytes } from 'node:crypto';
import type { Answer } from './faults.ts';
import type { QdrantCollection } from './qdrant-collection.ts';
import { notFound, QdrantError } from './qdrant-error.ts';
import type { Json } from './requests.ts';

interface Stored {
  readonly bytes: Buffer;
  readonly createdAt: Date;
}

/** What the bytes of snapshots stand for, of all doubles of the process: one of them takes what another one made. */
const contents = new Map<string, QdrantCollection>();

const SNAPSHOT_BYTES = 96 * 1024;
const PEER_ID = 8186636669165066;
const PRIORITIES = ['no_sync', 'snapshot', 'replica'];
const PATH = /^\/collections\/([^/]+)\/snapshots\/([^/]+)$/;

/** Snapshots on the disk of one double, which stay where their collection goes. */
export class CollectionSnapshots {
  readonly #files = new Map<string, Map<string, Stored>>();
  #made = 0;

  create(name: string, collection: QdrantCollection): Json {
    const bytes = randomBytes(SNAPSHOT_BYTES);
    contents.set(sumOf(bytes), collection.copy());
    const time = new Date(Date.UTC(2026, 0, 1) + ++this.#made * 1000);
    const file = `${name}-${PEER_ID}-${time.toISOString().slice(0, 19).replace(/[T:]/g, '-')}.snapshot`;
    this.#store(name, file, bytes, time);
    return this.#describe(name, file);
  }

  /** Files of other names are there, and not shown. */
  list(name: string): Json {
    return [...(this.#files.get(name)?.keys() ?? [])]
      .filter((file) => file.endsWith('.snapshot'))
      .map((file) => this.#describe(name, file));
  }

  delete(name: string, file: string): true {
    if (this.#files.get(name)?.delete(file) !== true) throw missing(file);
    return true;
  }

  /** Names of all files on the disk. */
  get left(): string[] {
    return [...this.#files].flatMap(([name, files]) => [...files.keys()].map((file) => `${name}/${file}`));
  }

  get(name: string, file: string): Buffer {
    const stored = this.#files.get(name)?.get(file);
    if (stored === undefined) throw missing(file);
    return stored.bytes;
  }

  /** The collection that an uploaded snapshot is of. The file stays, whatever comes of it. */
  receive(name: string, file: string, bytes: Buffer, checksum: string | null): QdrantCollection {
    const actual = sumOf(bytes);
    if (checksum !== null && checksum !== actual)
      throw new QdrantError(400, `Checksum mismatch: expected ${actual}, actual ${checksum}`);
    this.#store(name, file, bytes, new Date(0));
    const content = contents.get(actual);
    if (content === undefined)
      throw new QdrantError(500, 'Service internal error: File IO error: Malformed tar archive, reached unknown entry');
    return content.copy();
  }

  #store(name: string, file: string, bytes: Buffer, createdAt: Date): void {
    const files = this.#files.get(name) ?? new Map<string, Stored>();
    this.#files.set(name, files.set(file, { bytes, createdAt }));
  }

  #describe(name: string, file: string): Json {
    const { bytes, createdAt } = this.#files.get(name)?.get(file) as Stored;
    const time = createdAt.toISOString().slice(0, 19);
    return { name: file, creation_time: time, size: bytes.length, checksum: sumOf(bytes) };
  }
}

export interface SnapshotRequest {
  readonly method: string | undefined;
  readonly path: string;
  readonly parameters: URLSearchParams;
  readonly contentType: string;
  readonly bytes: Buffer;
}

interface Collections {
  readonly snapshots: CollectionSnapshots;
  get(name: string): QdrantCollection;
  put(name: string, collection: QdrantCollection): void;
}

/** Of the two requests that are not JSON; null: it is none of them. Refusals of these are plain text where Qdrant's are. */
export function answerSnapshot(state: Collections, request: SnapshotRequest): Answer | null {
  const [, name = '', file = ''] = (PATH.exec(request.path) ?? []).map((part) => decodeURIComponent(part));
  if (request.method === 'GET' && name !== '') return download(state, name, file);
  if (request.method === 'POST' && name !== '' && file === 'upload') return upload(state, name, request);
  return null;
}

function download(state: Collections, name: string, file: string): Answer {
  try {
    state.get(name);
    return { status: 200, type: 'application/octet-stream', body: state.snapshots.get(name, file) };
  } catch (error) {
    if (!(error instanceof QdrantError)) throw error;
    return { status: error.status, type: 'text/plain; charset=utf-8', body: error.message };
  }
}

function upload(state: Collections, name: string, { parameters, contentType, bytes }: SnapshotRequest): Answer {
  const priority = parameters.get('priority') ?? 'snapshot';
  if (!PRIORITIES.includes(priority))
    throw new QdrantError(400, `Deserialize error in query parameters: unknown variant \`${priority}\``);
  const boundary = /^multipart\/form-data; boundary=(.+)$/.exec(contentType)?.[1];
  if (boundary === undefined) return text(415, 'ContentTypeIncompatible');
  const part = partNamed('snapshot', boundary, bytes);
  if (part === null) return text(400, 'Required field is missing: snapshot');
  state.put(name, state.snapshots.receive(name, part.file, part.content, parameters.get('checksum')));
  return { status: 200, type: 'application/json', body: JSON.stringify({ result: true, status: 'ok', time: 0.1 }) };
}

function partNamed(field: string, boundary: string, bytes: Buffer): { file: string; content: Buffer } | null {
  const begins = bytes.indexOf('\r\n\r\n');
  const ends = bytes.lastIndexOf(`\r\n--${boundary}--`);
  const head = bytes.subarray(0, Math.max(begins, 0)).toString();
  const file = /filename="([^"]*)"/.exec(head)?.[1];
  if (begins < 0 || ends < begins || file === undefined || !head.includes(`name="${field}"`)) return null;
  return { file, content: bytes.subarray(begins + 4, ends) };
}

function text(status: number, body: string): Answer {
  return { status, type: 'text/plain; charset=utf-8', body };
}

function sumOf(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex');
}

function missing(file: string): QdrantError {
  return notFound(`Snapshot ${file} not found`);
}

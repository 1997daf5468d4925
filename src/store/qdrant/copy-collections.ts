import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { throwIfAborted } from '../../base/abort.ts';
import { LEVELS, type Level } from '../../base/context.ts';
import { badRequest, CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Random } from '../../base/random.ts';
import { packStream } from '../snapshot/packed-files.ts';
import { textSum } from '../snapshot/snapshot.ts';
import { SnapshotInProgress } from '../snapshot/snapshot-in-progress.ts';
import { NAMESPACES_FILE, type FileSum, type SnapshotFile, type StoreCopy } from '../snapshot/store-copy.ts';
import type { DocumentDriver } from '../documents.ts';
import type { NamespaceCounts } from '../store.ts';
import { Claim } from './claim.ts';
import type { CollectionCalls } from './collection-calls.ts';
import { collectionOf } from './collections.ts';
import { deleteNote, LAYOUT, META_POINTS, readMeta, readNote, writeNote } from './meta.ts';
import { stampAt } from './stamps.ts';
import {
  COPY_FILE,
  type CopyDescription,
  DOCUMENTS_FILE,
  LATE_FILE,
  type LatePoint,
  snapshotFileOf,
} from './qdrant-copy.ts';
import { SnapshotCalls, type SnapshotCallsDeps } from './snapshot-calls.ts';

export interface CollectionsCopyDeps extends SnapshotCallsDeps {
  readonly prefix: string;
  /** What the names of the collections in use begin with. */
  readonly stem: string;
  readonly calls: CollectionCalls;
  readonly documents: Pick<DocumentDriver, 'walk'>;
  readonly namespaces: () => Promise<NamespaceCounts[]>;
  readonly random: Random;
  readonly log: Log;
}

/** Which snapshots there were on the server before ours, for whoever clears up after a kill. */
interface LeftBehind {
  readonly before: Readonly<Record<string, readonly string[]>>;
}

/** How far the clocks of servers over one Qdrant may be apart. */
const CLOCKS_APART_MS = 60_000;
const LATE_POINTS_AT_ONCE = 64;
const DOCUMENTS_AT_ONCE = 100;
const PRIVATE_FILE = 0o600;

/**
 * Has Qdrant make a snapshot of each level's collection, brings them into `folder`, and leaves none on the server. One process
 * at a time does so: others are told `OVERLOADED`. What is left on the server where this is cut off, the next run deletes.
 */
export async function copyCollections(
  deps: CollectionsCopyDeps,
  folder: string,
  signal?: AbortSignal,
): Promise<StoreCopy> {
  const claim = await Claim.take(deps, { id: META_POINTS.snapshotting, taken: busy });
  try {
    return await new CollectionsCopy(deps, folder, signal).make();
  } finally {
    // Where it cannot be given back it ends by itself.
    await claim.release().catch(() => undefined);
  }
}

class CollectionsCopy {
  readonly #deps: CollectionsCopyDeps;
  readonly #snapshots: SnapshotCalls;
  readonly #folder: string;
  readonly #signal: AbortSignal | undefined;
  #documents = 0;

  constructor(deps: CollectionsCopyDeps, folder: string, signal: AbortSignal | undefined) {
    this.#deps = deps;
    this.#snapshots = new SnapshotCalls(deps);
    this.#folder = folder;
    this.#signal = signal;
  }

  async make(): Promise<StoreCopy> {
    const { http, prefix, stem, clock } = this.#deps;
    await this.#checkShards();
    await this.#clearUp();
    const meta = await readMeta(http, prefix);
    if (meta?.stem !== stem) throw new CodedError('STORE_UNAVAILABLE', 'the collections of another model are in use');
    const since = stampAt(clock.nowMs() - CLOCKS_APART_MS);
    const before = await this.#namesOnServer();
    await writeNote(http, prefix, META_POINTS.snapshots, { before } satisfies LeftBehind);
    const collections: CopyDescription['collections'][number][] = [];
    // Before the contexts: what a document names was acknowledged before it.
    const files = [await this.#pack(DOCUMENTS_FILE, this.#documentLines())];
    // Downwards, as most contexts move: what goes on to the next level meanwhile is there, too.
    for (const level of LEVELS) {
      const counted = await this.#count(level);
      const file = await this.#copy(level);
      files.push(file);
      collections.push({ level, file: file.name, points: [counted, await this.#count(level)] });
    }
    // Only now: had one of them not been deleted, the next run would have to look for it.
    await deleteNote(http, prefix, META_POINTS.snapshots);
    // Before what came late is read: then all that is counted is in one of the files.
    const namespaces = await this.#deps.namespaces();
    files.push(await this.#pack(LATE_FILE, this.#lateLines(since)));
    const about: CopyDescription = {
      qdrant: await this.#version(),
      has_passages: (await readMeta(http, prefix))?.hasPassages ?? meta.hasPassages,
      documents: this.#documents,
      late_since: since,
      collections,
    };
    files.push(this.#write(NAMESPACES_FILE, namespaces), this.#write(COPY_FILE, about));
    const points = (level: Level): number => collections.find((one) => one.level === level)?.points[1] ?? 0;
    return {
      store: 'qdrant',
      schema: LAYOUT,
      embedding: meta.embedding,
      counts: {
        immediate: points('immediate'),
        short_term: points('short_term'),
        long_term: points('long_term'),
      },
      namespaces: namespaces.length,
      lastCommit: 0,
      files,
    };
  }

  /** A node's snapshot holds what the node holds. */
  async #checkShards(): Promise<void> {
    for (const level of LEVELS) {
      const missing = await this.#snapshots.missingShards(this.#collection(level));
      if (missing === 0) continue;
      const message = `a snapshot would not be whole: ${missing} shards of ${this.#collection(level)} are on other nodes than the one at vector_db.url; docs/qdrant.md says how to back up a cluster`;
      throw badRequest('', 'asks for what the store cannot do', message);
    }
  }

  /** What a run that was cut off has left on the server. What somebody else may have made meanwhile stays. */
  async #clearUp(): Promise<void> {
    const { http, prefix, log } = this.#deps;
    const note = await readNote<LeftBehind>(http, prefix, META_POINTS.snapshots);
    if (note === undefined) return;
    for (const [collection, before] of Object.entries(note.before)) {
      const since = (await this.#snapshots.names(collection)).filter((name) => !before.includes(name));
      const [name] = since;
      if (name !== undefined && since.length === 1) await this.#snapshots.delete(collection, name);
      else if (since.length > 1)
        log.warn(
          { collection, snapshots: since },
          'one of these was left on the Qdrant server by a snapshot that was cut off',
        );
    }
    await deleteNote(http, prefix, META_POINTS.snapshots);
  }

  async #namesOnServer(): Promise<Record<string, string[]>> {
    const names: Record<string, string[]> = {};
    for (const level of LEVELS) names[this.#collection(level)] = await this.#snapshots.names(this.#collection(level));
    return names;
  }

  async #copy(level: Level): Promise<SnapshotFile> {
    const collection = this.#collection(level);
    const made = await this.#snapshots.create(collection, this.#signal);
    const content = snapshotFileOf(level);
    try {
      const place = { target: this.#packed(content), content };
      return await this.#snapshots.download(collection, made, place, this.#signal);
    } finally {
      // Where this fails, too, the note that stays has the next run do it.
      await this.#snapshots.delete(collection, made.name);
    }
  }

  #pack(name: string, lines: AsyncGenerator<Uint8Array>): Promise<SnapshotFile> {
    return packStream(lines, name, this.#packed(name), this.#signal);
  }

  async *#documentLines(): AsyncGenerator<Uint8Array> {
    let after: string | undefined;
    do {
      const page = await this.#deps.documents.walk({ limit: DOCUMENTS_AT_ONCE, ...(after !== undefined && { after }) });
      throwIfAborted(this.#signal);
      this.#documents += page.documents.length;
      for (const document of page.documents) yield lineOf(document);
      ({ after } = page);
    } while (after !== undefined);
  }

  async *#lateLines(since: number): AsyncGenerator<Uint8Array> {
    for (const level of LEVELS) {
      for await (const points of this.#deps.calls.enteredSince(level, since, LATE_POINTS_AT_ONCE)) {
        throwIfAborted(this.#signal);
        for (const point of points) yield lineOf({ level, point } satisfies LatePoint);
      }
    }
  }

  #count(level: Level): Promise<number> {
    return this.#deps.calls.count(level, {}, this.#signal);
  }

  async #version(): Promise<string> {
    const { version } = JSON.parse(await this.#deps.http.text('/')) as { version?: string };
    return version ?? '';
  }

  #write(name: string, value: object): FileSum {
    const text = `${JSON.stringify(value)}\n`;
    writeFileSync(join(this.#folder, name), text, { flag: 'wx', mode: PRIVATE_FILE, flush: true });
    return textSum(name, text);
  }

  #packed(content: string): string {
    return join(this.#folder, `${content}.zst`);
  }

  #collection(level: Level): string {
    return collectionOf(this.#deps.stem, level);
  }
}

function lineOf(value: object): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`);
}

function busy(): CodedError {
  return new SnapshotInProgress('another process makes a snapshot of the same collections just now, or restores one');
}

// What is done with a snapshot of collections beside making it: tried in collections that are deleted again, or put in the place
// of those in use by one write.

import { createHash } from 'node:crypto';
import type { Clock } from '../../base/clock.ts';
import { CodedError, StartupError } from '../../base/errors.ts';
import { readEverything } from '../rehearsal/read-everything.ts';
import type { Rehearsal, Restored, RestoreOptions, SnapshotDriver } from '../snapshot/snapshot-driver.ts';
import type { Snapshot } from '../snapshot/snapshot.ts';
import { Claim } from './claim.ts';
import { CollectionCalls } from './collection-calls.ts';
import { type PreparedCollections, prepareCollections } from './collections.ts';
import { withConnection } from './connection.ts';
import type { HttpClient } from './http-client.ts';
import { deleteNote, makeMeta, type Meta, META_POINTS, readMeta, readNote, replaceMeta, writeNote } from './meta.ts';
import { type QdrantStoreOptions, storeOver } from './open-qdrant-store.ts';
import { prepareDocuments, QdrantDocuments } from './qdrant-documents.ts';
import { namesOf, type Places, pointsIn } from './places.ts';
import { dropReplaced } from './qdrant-switch.ts';
import type { CopyDescription } from './qdrant-copy.ts';
import {
  checkedCopy,
  checkNamespaces,
  dropCollections,
  type RecoveredCounts,
  recoverCollections,
} from './recover-collections.ts';
import { SnapshotCalls } from './snapshot-calls.ts';

/** A rehearsal that began before is nobody's any more. */
const ABANDONED_MS = 6 * 3_600_000;
const STEM_CHARS = 8;

/** What was being restored when a process ended. */
interface Begun {
  readonly stem: string;
}

export class QdrantSnapshots implements SnapshotDriver {
  readonly #options: QdrantStoreOptions;

  /** `embedding`: that of the snapshot. */
  constructor(options: QdrantStoreOptions) {
    this.#options = options;
  }

  /** Where Qdrant is away only the sums of the files are checked, which the result says. */
  async verify(snapshot: Snapshot): Promise<Rehearsal> {
    const about = await checkedCopy(snapshot);
    this.#checkDistance(snapshot);
    try {
      return await this.#connected((http) => this.#rehearse(http, snapshot, about));
    } catch (error) {
      if (!(error instanceof StartupError) || !isAway(error.cause)) throw error;
      return { contexts: 0, queries: 0, unopened: error.message };
    }
  }

  async restore(snapshot: Snapshot, options: RestoreOptions): Promise<Restored> {
    const about = await checkedCopy(snapshot);
    this.#checkDistance(snapshot);
    return this.#connected(async (http) => {
      await refuseCluster(http);
      await this.#givingWay(http, options);
      await makeMeta(http, this.#options);
      return this.#alone(http, (renew) => this.#restore(http, snapshot, about, options, renew));
    });
  }

  /** `renew` rejects where somebody else may be at work by now. */
  async #restore(
    http: HttpClient,
    snapshot: Snapshot,
    about: CopyDescription,
    options: RestoreOptions,
    renew: () => Promise<void>,
  ): Promise<Restored> {
    const { prefix, log, embedding, random } = this.#options;
    const { meta, before, present } = await this.#givingWay(http, options);
    const kept = meta === undefined ? [] : await dropReplaced(http, prefix, meta, log);
    await this.#dropBegun(http, meta);
    const stem = `${prefix}.${createHash('sha256').update(`${snapshot.manifest.id}\0${options.nowMs}`).digest('hex').slice(0, STEM_CHARS)}`;
    await writeNote(http, prefix, META_POINTS.restoring, { stem } satisfies Begun);
    const { contexts } = await this.#whole(http, stem, async () => {
      const { counts } = await this.#recover(http, snapshot, about, stem);
      const now = await pointsIn(http, before);
      if (now !== present) throw atWork(before, present, now);
      await renew();
      return counts;
    });
    const isEmpty = meta !== undefined && present === 0;
    const replaced = { replaced: isEmpty ? meta.stem : null, replacedDocuments: isEmpty ? meta.documents : null };
    const to = { embedding, hasPassages: about.has_passages, stem, documents: stem, ...replaced };
    // Where it fails it may have come about all the same: what it names stays, and the next restore clears up.
    await replaceMeta(http, prefix, to, snapshot.manifest.schema, random);
    if (isEmpty) kept.push(...(await dropReplaced(http, prefix, { ...meta, ...to }, log)));
    else if (present > 0) kept.push(namesOf(before));
    await deleteNote(http, prefix, META_POINTS.restoring);
    return {
      contexts,
      into: `the collections ${namesOf({ stem, documents: stem })}`,
      keptAside: kept.length === 0 ? null : `the collections ${kept.join(', ')}`,
    };
  }

  /** What is in use. Throws where it holds points and may not give way. */
  async #givingWay(http: HttpClient, { replace }: RestoreOptions) {
    const { prefix } = this.#options;
    const meta = await readMeta(http, prefix);
    const before = { stem: meta?.stem ?? prefix, documents: meta?.documents ?? prefix };
    const present = await pointsIn(http, before);
    if (present > 0 && !replace) throw notEmpty(before, present);
    return { meta, before, present };
  }

  /** While nobody else restores, re-embeds or makes a snapshot: each of them changes what the others rely on. */
  async #alone<T>(http: HttpClient, work: (renew: () => Promise<void>) => Promise<T>): Promise<T> {
    const claims: Claim[] = [];
    try {
      for (const id of [META_POINTS.reembedding, META_POINTS.snapshotting])
        claims.push(await Claim.take({ ...this.#options, http }, { id, taken }));
      return await work(async () => {
        for (const claim of claims) await claim.renew();
      });
    } finally {
      // Where one cannot be given back it ends by itself.
      for (const claim of claims) await claim.release().catch(() => undefined);
    }
  }

  async #rehearse(http: HttpClient, snapshot: Snapshot, about: CopyDescription): Promise<Rehearsal> {
    const { prefix, clock } = this.#options;
    const begins = `${prefix}.verify-`;
    await this.#dropAbandoned(http, begins);
    const stem = `${begins}${clock.nowMs().toString(36)}`;
    try {
      const { counts, takePassages } = await this.#recover(http, snapshot, about, stem);
      const inUse = { stem, documents: stem, cursorKey: Buffer.alloc(0), takePassages, hasDocuments: true };
      // Before all times: what is over by now, or was then, is in the copy all the same.
      const options = { ...this.#options, clock: clockAt(0, clock) };
      const store = storeOver(http, options, { ...inUse, hasPassages: about.has_passages });
      const namespaces = await store.namespaces();
      checkNamespaces(snapshot, counts, namespaces);
      return await readEverything(snapshot, store, namespaces);
    } finally {
      await dropCollections(this.#snapshots(http), stem);
    }
  }

  async #recover(
    http: HttpClient,
    snapshot: Snapshot,
    about: CopyDescription,
    stem: string,
  ): Promise<PreparedCollections & { readonly counts: RecoveredCounts }> {
    const { readConsistency, random, embedding } = this.#options;
    const calls = new CollectionCalls(http, stem, readConsistency, false);
    await prepareDocuments(http, { ...this.#options, prefix: stem, mustExist: false });
    const documents = new QdrantDocuments(http, stem, readConsistency, random, false);
    const counts = await recoverCollections(snapshot, about, {
      snapshots: this.#snapshots(http),
      calls,
      documents,
      stem,
    });
    const { dimension } = embedding;
    const settings = { ...this.#options, prefix: stem, dimension, mustExist: true, needsPassages: false };
    return { counts, ...(await prepareCollections(http, settings)) };
  }

  /** What fails leaves no collections. */
  async #whole<T>(http: HttpClient, stem: string, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      // Where Qdrant is away now the next restore does it.
      await dropCollections(this.#snapshots(http), stem).catch(() => undefined);
      throw error;
    }
  }

  async #dropBegun(http: HttpClient, meta: Meta | undefined): Promise<void> {
    const { prefix } = this.#options;
    const begun = await readNote<Begun>(http, prefix, META_POINTS.restoring);
    if (begun !== undefined && begun.stem !== meta?.stem) await dropCollections(this.#snapshots(http), begun.stem);
  }

  async #dropAbandoned(http: HttpClient, begins: string): Promise<void> {
    const { collections } = await http.call<{ collections: { name: string }[] }>('GET', '/collections');
    const stems = collections.flatMap(({ name }) => {
      const madeMs = parseInt(name.slice(begins.length), 36);
      const isOld = name.startsWith(begins) && this.#options.clock.nowMs() - madeMs > ABANDONED_MS;
      return isOld ? [`${begins}${madeMs.toString(36)}`] : [];
    });
    for (const stem of new Set(stems)) await dropCollections(this.#snapshots(http), stem);
  }

  #snapshots(http: HttpClient): SnapshotCalls {
    return new SnapshotCalls({ http, clock: this.#options.clock });
  }

  async #connected<T>(work: (http: HttpClient) => Promise<T>): Promise<T> {
    return withConnection(this.#options, async (http) => {
      const done = await work(http);
      http.close();
      return done;
    });
  }

  #checkDistance({ manifest }: Snapshot): void {
    const { distance } = this.#options;
    if (manifest.distance === distance) return;
    throw new StartupError(
      `the vectors of the snapshot are compared by ${manifest.distance}, the configuration says ${distance}`,
      'Correct vector_db.distance, or take another snapshot.',
    );
  }
}

function clockAt(ms: number, clock: Clock): Clock {
  return {
    nowMs: () => ms,
    monotonicMs: () => clock.monotonicMs(),
    after: (...args) => clock.after(...args),
    every: (...args) => clock.every(...args),
  };
}

async function refuseCluster(http: HttpClient): Promise<void> {
  const { peers = {} } = await http.call<{ peers?: object }>('GET', '/cluster');
  if (Object.keys(peers).length <= 1) return;
  throw new StartupError(
    'Qdrant at vector_db.url is a cluster, of which one node alone would get the snapshot',
    'Restore into a single Qdrant, and move from there with `context-manager migrate`: docs/qdrant.md.',
  );
}

function isAway(error: unknown): boolean {
  return error instanceof CodedError && error.retryable;
}

function notEmpty(places: Places, points: number): StartupError {
  return new StartupError(
    `the collections ${namesOf(places)} hold ${points} points already`,
    'Nothing was changed. Restore into an empty Qdrant, or with another vector_db.collection_prefix, or say --replace: what is there is then kept in its collections.',
  );
}

function atWork(places: Places, before: number, now: number): StartupError {
  return new StartupError(
    `the collections ${namesOf(places)} held ${before} points when the restore began, and hold ${now} now: a server is at work`,
    'Nothing was changed. Stop every server, and restore again.',
  );
}

function taken(): StartupError {
  return new StartupError(
    'another process restores or makes a snapshot of the same collections, or re-embeds them',
    'Nothing was changed. Wait until it is done, and try again.',
  );
}

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Clock } from '../../base/clock.ts';
import { throwIfAborted } from '../../base/abort.ts';
import { CodedError } from '../../base/errors.ts';
import type { Log } from '../../base/log.ts';
import type { Metrics } from '../../base/metrics.ts';
import type { Random } from '../../base/random.ts';
import { FORMAT, MANIFEST_FILE, SUMS_FILE, type Manifest, type Snapshot, sumsText, textSum } from './snapshot.ts';
import { outdated, type Retention } from './retention.ts';
import { SnapshotFolder } from './snapshot-folder.ts';
import { snapshotFault } from './snapshot-fault.ts';
import { SnapshotInProgress } from './snapshot-in-progress.ts';
import type { NamespaceCounts } from '../store.ts';
import { NAMESPACES_FILE, type StoreCopy } from './store-copy.ts';

export interface SnapshotKeeperDeps {
  readonly folder: string;
  /** Puts a copy of everything into a folder; what was acknowledged before it is called is in the copy. */
  readonly copyInto: (folder: string, signal?: AbortSignal) => Promise<StoreCopy>;
  readonly distance: string;
  readonly retention: Retention;
  readonly version: string;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly metrics: Metrics;
}

const PRIVATE_FILE = 0o600;
const SUFFIX_BYTES = 3;

/** Makes snapshots of the running server's store, one at a time. */
export class SnapshotKeeper {
  readonly #deps: SnapshotKeeperDeps;
  readonly #folder: SnapshotFolder;
  readonly #abort = new AbortController();
  #running: Promise<Snapshot> | null = null;
  /** Of the newest one, in milliseconds since the epoch; null: there is none, or nobody has looked yet. */
  #newestMs: number | null = null;

  constructor(deps: SnapshotKeeperDeps) {
    this.#deps = deps;
    this.#folder = new SnapshotFolder(deps.folder);
    deps.metrics.gauge('snapshot_timestamp_seconds', () =>
      this.#newestMs === null ? undefined : this.#newestMs / 1000,
    );
  }

  /** To be called once, so that the metric knows what there is. */
  look(): void {
    try {
      this.#newestMs = this.#folder.find().snapshots.at(-1)?.createdAtMs ?? null;
    } catch (error) {
      // Whoever wants one made is told, too.
      this.#deps.log.warn({ error, folder: this.#folder.path }, 'the folder of the snapshots cannot be read');
    }
  }

  /** Rejects with `OVERLOADED` while another one is being made; whatever fails leaves nothing behind. */
  async create(label?: string, signal?: AbortSignal): Promise<Snapshot> {
    if (this.#running !== null) throw new SnapshotInProgress('a snapshot is being made just now');
    const closing = this.#abort.signal;
    throwIfAborted(closing);
    this.#running = this.#create(label, signal === undefined ? closing : AbortSignal.any([signal, closing]));
    try {
      return await this.#running;
    } catch (error) {
      throw snapshotFault(error, this.#folder.path);
    } finally {
      this.#running = null;
    }
  }

  /** Ends what is being made, which leaves nothing behind. */
  async close(): Promise<void> {
    this.#abort.abort(new CodedError('SHUTTING_DOWN', 'the server is shutting down'));
    await this.#running?.catch(() => undefined);
  }

  /** The oldest first. Damaged ones are left out, and told of in the log. */
  list(): readonly Snapshot[] {
    const { snapshots, damaged } = this.#folder.find();
    for (const { message } of damaged) this.#deps.log.warn({ reason: message }, 'a snapshot is damaged');
    return snapshots;
  }

  /** Resolves when none is being made. */
  async idle(): Promise<void> {
    await this.#running?.catch(() => undefined);
  }

  /** Those that hold something of a namespace, or may: the oldest first. */
  holding(namespace: string): readonly Snapshot[] {
    return this.list().filter(({ path }) => mayHold(path, namespace));
  }

  remove(snapshot: Snapshot): void {
    this.#folder.delete(snapshot);
    this.#deps.log.info({ snapshot: snapshot.manifest.id }, 'a snapshot was deleted, as it held what was erased');
  }

  /** Puts another one of the same moment in its place; `fill` puts its files into the folder. A kill leaves one of them, or both. */
  async replace(snapshot: Snapshot, fill: (folder: string) => Promise<StoreCopy>): Promise<Snapshot> {
    const { createdAtMs, manifest } = snapshot;
    const id = this.#newId(createdAtMs);
    const partial = this.#folder.startPartial(id);
    try {
      this.#describe(partial, this.#manifest(id, manifest.label, createdAtMs, await fill(partial)));
      const replacement = this.#folder.finish(partial, id);
      this.#folder.delete(snapshot);
      this.#deps.log.info({ snapshot: manifest.id, by: id }, 'a snapshot was replaced by one without what was erased');
      return replacement;
    } catch (error) {
      this.#folder.discard(partial);
      throw snapshotFault(error, this.#folder.path);
    }
  }

  /** By schedule: makes one, and deletes those that need not be kept. Where somebody is at it already, that is enough. */
  async turn(signal: AbortSignal): Promise<void> {
    try {
      await this.create(undefined, signal);
    } catch (error) {
      if (!(error instanceof SnapshotInProgress)) throw error;
      this.#deps.log.info({ reason: error.message }, 'no snapshot was made by schedule');
    }
    for (const snapshot of outdated(this.#folder.find().snapshots, this.#deps.retention)) {
      this.#folder.delete(snapshot);
      this.#deps.log.info({ snapshot: snapshot.manifest.id }, 'a snapshot was deleted, as the retention says');
    }
  }

  async #create(label: string | undefined, signal: AbortSignal): Promise<Snapshot> {
    const { clock, log } = this.#deps;
    const startedMs = clock.monotonicMs();
    const nowMs = clock.nowMs();
    const id = this.#newId(nowMs);
    this.#folder.removeAbandoned(nowMs);
    const partial = this.#folder.startPartial(id);
    try {
      const copy = await this.#deps.copyInto(partial, signal);
      this.#describe(partial, this.#manifest(id, label, nowMs, copy));
      throwIfAborted(signal);
      const snapshot = this.#folder.finish(partial, id);
      this.#newestMs = nowMs;
      const { manifest, bytes } = snapshot;
      const tookMs = Math.round(clock.monotonicMs() - startedMs);
      log.info({ snapshot: id, context_count: manifest.contexts, bytes, took_ms: tookMs }, 'a snapshot was made');
      return snapshot;
    } catch (error) {
      this.#folder.discard(partial);
      throw error;
    }
  }

  #newId(nowMs: number): string {
    const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, '');
    return `${time}-${Buffer.from(this.#deps.random.bytes(SUFFIX_BYTES)).toString('hex')}`;
  }

  #manifest(id: string, label: string | undefined, nowMs: number, copy: StoreCopy): Manifest {
    const { distance, version } = this.#deps;
    const { counts, embedding } = copy;
    return {
      format: FORMAT,
      id,
      ...(label === undefined ? {} : { label }),
      created_at: new Date(nowMs).toISOString(),
      server: `context-manager/${version}`,
      store: copy.store,
      schema: copy.schema,
      embedder: embedding.id,
      dimension: embedding.dimension,
      distance,
      contexts: counts.immediate + counts.short_term + counts.long_term,
      counts,
      namespaces: copy.namespaces,
      last_commit: copy.lastCommit,
      files: copy.files,
    };
  }

  #describe(partial: string, manifest: Manifest): void {
    const text = `${JSON.stringify(manifest, null, 2)}\n`;
    const options = { flag: 'wx', mode: PRIVATE_FILE, flush: true };
    writeFileSync(join(partial, MANIFEST_FILE), text, options);
    writeFileSync(join(partial, SUMS_FILE), sumsText([textSum(MANIFEST_FILE, text), ...manifest.files]), options);
  }
}

/** What cannot be read may hold anything. */
function mayHold(path: string, namespace: string): boolean {
  try {
    const namespaces = JSON.parse(readFileSync(join(path, NAMESPACES_FILE), 'utf8')) as NamespaceCounts[];
    return namespaces.some((one) => one.namespace === namespace);
  } catch {
    return true;
  }
}

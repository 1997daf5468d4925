// Seals all that is stored with another key: for the first time, anew, or not at all any more. It goes in transactions of
// some rows, each with the note of how far it is, so that a kill costs one of them. What was there before is in no page of
// the file afterwards.

import { readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { StartupError } from '../../../base/errors.ts';
import type { Random } from '../../../base/random.ts';
import { INDEX_FOLDER } from './data-folder.ts';
import { inTransaction } from './in-transaction.ts';
import { ResealedDocuments, ResealedRows } from './resealed-rows.ts';
import { type SealKey, Sealer } from './sealer.ts';
import { type SealKeys } from '../border/opening-settings.ts';
import {
  halfSealed,
  keyOf,
  newNote,
  openSealer,
  type PendingReseal,
  readSealState,
  type ResealStep,
  saltOf,
  type SealNote,
  type SealState,
  wrongKey,
  writeSealState,
} from './seal-state.ts';

export interface ResealProgress {
  readonly step: ResealStep;
  readonly done: number;
  readonly total: number;
}

export interface Resealed {
  /** Ids of keys; null: nothing was sealed, or is. */
  readonly from: string | null;
  readonly to: string | null;
  readonly contexts: number;
  readonly documents: number;
  /** Values that could not be opened before either: whoever reads them is told, as before. */
  readonly damaged: number;
}

export interface ResealDeps {
  readonly database: DatabaseSync;
  readonly dataDir: string;
  /** Of the database, for messages. */
  readonly path: string;
  readonly keys: SealKeys;
  readonly random: Random;
  /** Longer texts are packed; 0: none is. */
  readonly packFromBytes: number;
  readonly onProgress?: ((progress: ResealProgress) => void) | undefined;
}

/** Vectors of another model that `context-manager reembed` is making. */
const NEW_VECTORS = /^contexts\.reembedded-.*\.db$/;
/** The log is moved into the database after so many transactions. */
const BATCHES_PER_MOVE = 16;

/**
 * At a start: the sealer of the database, after what was interrupted has been brought to its end; a database in which nothing
 * is stored takes the key that is given. `resealed`: what was done. Throws `StartupError`, with nothing changed, where the keys do
 * not fit.
 */
export function settleSeal(deps: ResealDeps): { readonly sealer: Sealer | null; readonly resealed: Resealed | null } {
  const { database, path, keys, random } = deps;
  const { now, pending } = readSealState(database);
  const isNew = now === null && keys.key !== null && isEmpty(database);
  const resealed = pending !== undefined || isNew ? reseal(deps) : null;
  return { sealer: openSealer(database, path, keys, random), resealed: isNew ? null : resealed };
}

/**
 * Brings all that is stored to `keys.key`; null: to no key. null: it is there already. Throws `StartupError` where the keys do
 * not fit, or the disk is full: what was done stays done.
 */
export function reseal(deps: ResealDeps): Resealed | null {
  const state = startingState(deps);
  if (state === null) return null;
  removeIndexes(deps.dataDir);
  return new Reseal(deps, state).run();
}

type Running = SealState & { readonly pending: PendingReseal };

function startingState({ database, dataDir, path, keys, random }: ResealDeps): Running | null {
  const state = readSealState(database);
  const { now, pending } = state;
  const { key } = keys;
  if (pending !== undefined) {
    const isWanted = now === null ? key === null : keyOf(now, [key], random) !== null;
    if (!isWanted) throw halfSealed(path, now, pending);
    return { now, pending };
  }
  if (now === null ? key === null : keyOf(now, [key], random) !== null) return null;
  if (now !== null && keyOf(now, [keys.previousKey], random) === null) throw wrongKey(path, now, keys.previousKey);
  refuseNewVectors(dataDir);
  const started: Running = {
    now: key === null ? null : newNote(key, random),
    pending: { step: 'contexts', after: -1, before: now },
  };
  inTransaction(database, () => writeSealState(database, started));
  return started;
}

class Reseal {
  readonly #deps: ResealDeps;
  readonly #now: SealNote | null;
  readonly #before: SealNote | null;
  readonly #rows: ResealedRows;
  readonly #documents: ResealedDocuments;
  #pending: PendingReseal;
  #batches = 0;

  constructor(deps: ResealDeps, { now, pending }: Running) {
    const { database, path, keys, random, packFromBytes } = deps;
    this.#deps = deps;
    this.#now = now;
    this.#pending = pending;
    this.#before = pending.before;
    const key = now === null ? null : keys.key;
    const oldKey = this.#before === null ? null : keyOf(this.#before, [keys.previousKey], random);
    if (this.#before !== null && oldKey === null && pending.step !== 'tidy') throw halfSealed(path, now, pending);
    const sealerOf = (of: SealKey | null, note: SealNote | null, before?: Sealer | null): Sealer | null =>
      of === null || note === null
        ? null
        : new Sealer({
            key: of,
            salt: saltOf(note),
            random,
            before: before ?? undefined,
            allowsPlain: this.#before === null || now === null,
          });
    const from = sealerOf(oldKey, this.#before);
    const to = sealerOf(key, now, from);
    const parts = { database, from, to, reader: to ?? from, packFromBytes };
    this.#rows = new ResealedRows(parts);
    this.#documents = new ResealedDocuments(parts);
  }

  run(): Resealed {
    const { database } = this.#deps;
    if (this.#pending.step === 'contexts') this.#all('contexts', this.#rows, 'documents');
    if (this.#pending.step === 'documents') this.#all('documents', this.#documents, 'tidy');
    this.#tell('tidy', 0, 1);
    tidy(database);
    inTransaction(database, () => writeSealState(database, { now: this.#now }));
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    this.#tell('tidy', 1, 1);
    return {
      from: this.#before?.keyId ?? null,
      to: this.#now?.keyId ?? null,
      contexts: this.#rows.count,
      documents: this.#documents.count,
      damaged: this.#rows.damaged + this.#documents.damaged,
    };
  }

  #all(step: ResealStep, rows: ResealedRows | ResealedDocuments, next: ResealStep): void {
    const { database } = this.#deps;
    const { done, total } = rows.progress(this.#pending.after);
    for (;;) {
      const last = inTransaction(database, () => {
        const reached = rows.batch(this.#pending.after);
        this.#note(reached === null ? { step: next, after: -1 } : { step, after: reached });
        return reached;
      });
      if (++this.#batches % BATCHES_PER_MOVE === 0) database.exec('PRAGMA wal_checkpoint(PASSIVE)');
      this.#tell(step, done + rows.count, total);
      if (last === null) return;
    }
  }

  #note(place: Pick<PendingReseal, 'step' | 'after'>): void {
    this.#pending = { ...place, before: this.#before };
    writeSealState(this.#deps.database, { now: this.#now, pending: this.#pending });
  }

  #tell(step: ResealStep, done: number, total: number): void {
    this.#deps.onProgress?.({ step, done, total });
  }
}

/** What was there before is in pages that are free, and in the log. */
function tidy(database: DatabaseSync): void {
  // Of all that is stored a second copy is made for a moment: beside the database, not in memory.
  database.exec('PRAGMA temp_store = FILE');
  try {
    database.exec('VACUUM');
    database.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    database.exec('PRAGMA temp_store = MEMORY');
  }
}

function isEmpty(database: DatabaseSync): boolean {
  const any = database.prepare('SELECT EXISTS (SELECT 1 FROM contexts) + EXISTS (SELECT 1 FROM documents) AS count');
  return (any.get() as { count: number }).count === 0;
}

/** They hold vectors as they are. With a key there are none: graphs are files that searches map. */
function removeIndexes(dataDir: string): void {
  const folder = join(dataDir, INDEX_FOLDER);
  for (const name of readdirSync(folder)) rmSync(join(folder, name), { force: true, recursive: true });
}

function refuseNewVectors(dataDir: string): void {
  const name = readdirSync(dataDir).find((each) => NEW_VECTORS.test(each));
  if (name === undefined) return;
  throw new StartupError(
    `a change of the embedding model is under way: ${join(dataDir, name)}`,
    'Bring `context-manager reembed` to its end first, or delete that file and those that begin with its name.',
  );
}

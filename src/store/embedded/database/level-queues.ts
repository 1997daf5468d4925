// The levels as the open transaction sees them. What it puts and what it moves is held here until it ends, so that a
// context that goes down two levels in one transaction is written once, where it ends up.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { ANALYZER_VERSION } from '../../../base/text/analyzer.ts';
import type { Effect } from './effects.ts';
import { ownerKey, type LevelOwner, type OwnerCounts } from './owner-counts.ts';
import { checkedStored, checkedStoredColumns, contentSum, stateSum } from './row-checksums.ts';
import type { LevelNumber, PackedRows, RecordRow } from '../border/rows.ts';
import {
  NO_TERMS,
  sealedTerms,
  sealedVectors,
  storedContents,
  termsSum,
  textColumn,
  visible,
} from './sealed-values.ts';
import type { Sealer } from './sealer.ts';
import type { RowVectors, StoredPassages } from './stored-passages.ts';
import { analyzed, type StoredRow } from './stored-row.ts';

/** A context that the transaction has put or moved. */
export interface Unwritten {
  readonly spaceId: number;
  /** As it is to be written. */
  row: StoredRow;
  readonly origin:
    | { readonly kind: 'new'; readonly record: RecordRow; readonly vectors: RowVectors }
    | { readonly kind: 'stored'; readonly level: LevelNumber; readonly entry: number };
}

/** A place in the order of a level; nobody's any more where the context has another `entered` since. */
interface Arrival {
  readonly unwritten: Unwritten;
  readonly entered: number;
}

interface Arrivals {
  readonly list: Arrival[];
  first: number;
}

/** In the order of a level: what another store has handed over may have come in with the same number. */
type Place = Pick<StoredRow, 'entered' | 'seq'>;

const FIRST: Place = { entered: -1, seq: -1 };
const ROWS_READ_MAX = 256;
export const MOVE_SQL =
  'UPDATE contexts SET level = ?, entry = ?, entered = ?, expires_at = ?, expiry_action = ?, expiry_by = ?, state_sum = ? WHERE seq = ?';

/** Parameters of `MOVE_SQL`. */
export function moveValues(namespaceId: number, row: StoredRow): (number | null)[] {
  const { level, entry, entered, expiresAtMs, expiryAction, expirySetBy, seq } = row;
  return [level, entry, entered, expiresAtMs, expiryAction, expirySetBy, stateSum(namespaceId, row), seq];
}

/** Stored contexts of one level, oldest first; reads many at a time, as each reading has its price. */
class StoredQueue {
  readonly #read: (after: Place, count: number) => StoredRow[];
  #rows: StoredRow[] = [];
  #next = 0;
  #after: Place = FIRST;
  #readNext: number;
  #isAtEnd = false;
  /** How many were taken. */
  taken = 0;

  /** `expected`: so many will be taken, probably. */
  constructor(read: (after: Place, count: number) => StoredRow[], expected: number) {
    this.#read = read;
    this.#readNext = expected;
  }

  /** Fewer where there are no more. */
  take(count: number): StoredRow[] {
    const taken: StoredRow[] = [];
    while (taken.length < count) {
      if (this.#next === this.#rows.length && !this.#readMore(count - taken.length)) break;
      taken.push(this.#rows[this.#next++] as StoredRow);
    }
    this.taken += taken.length;
    return taken;
  }

  #readMore(wanted: number): boolean {
    if (this.#isAtEnd) return false;
    const count = Math.min(ROWS_READ_MAX, Math.max(wanted, this.#readNext));
    this.#readNext = count * 2;
    this.#rows = this.#read(this.#after, count);
    this.#next = 0;
    this.#isAtEnd = this.#rows.length < count;
    this.#after = this.#rows.at(-1) ?? this.#after;
    return this.#rows.length > 0;
  }
}

export class LevelQueues {
  readonly #counts: OwnerCounts;
  readonly #passages: StoredPassages;
  readonly #insert: StatementSync;
  readonly #insertVector: StatementSync;
  readonly #move: StatementSync;
  readonly #oldest: {
    readonly all: StatementSync;
    readonly session: StatementSync;
    readonly sessionless: StatementSync;
  };
  /** By `seq`, in the order in which the transaction came upon them. */
  readonly #unwritten = new Map<number, Unwritten>();
  readonly #newIds = new Set<string>();
  readonly #arrivals = new Map<string, Arrivals>();
  readonly #stored = new Map<string, StoredQueue>();
  /** Whether a level of an agent is taken from by session or as a whole. */
  readonly #bySession = new Map<string, boolean>();
  /** What the last transaction took out of its busiest level. */
  #takenLast = 1;
  readonly #sealer: Sealer | null;
  readonly #packFromBytes: number;

  constructor(
    database: DatabaseSync,
    counts: OwnerCounts,
    passages: StoredPassages,
    sealer: Sealer | null,
    packFromBytes: number,
  ) {
    this.#sealer = sealer;
    this.#packFromBytes = packFromBytes;
    this.#counts = counts;
    this.#passages = passages;
    this.#insert =
      database.prepare(`INSERT INTO contexts (seq, namespace_id, level, entry, entered, id, agent_id, session_id,
      created_at, updated_at, expires_at, expiry_action, expiry_by, version, access_count, token_count, tags, metadata,
      analyzer, terms, traits, text, content_sum, state_sum, times, sealed_terms, sealed, terms_sum) VALUES (${new Array(28).fill('?').join(', ')})`);
    this.#insertVector = database.prepare('INSERT INTO vectors VALUES (?, ?)');
    this.#move = database.prepare(MOVE_SQL);
    const oldest = (owner: string) =>
      arrays(
        database,
        `SELECT ${checkedStoredColumns(sealer)} FROM contexts AS c
        WHERE c.namespace_id = ? AND c.level = ? AND c.agent_id = ? ${owner} AND (c.entered, c.seq) > (?, ?) ORDER BY c.entered, c.seq LIMIT ?`,
      );
    this.#oldest = {
      all: oldest(''),
      session: oldest('AND c.session_id = ?'),
      sessionless: oldest('AND c.session_id IS NULL'),
    };
  }

  /** The transaction has put a context with this id and not written it yet. */
  hasNew(spaceId: number, id: string): boolean {
    return this.#newIds.has(`${spaceId}/${id}`);
  }

  /** A new context, not of an id that is stored. */
  put(spaceId: number, row: StoredRow, record: RecordRow, vectors: RowVectors): void {
    const unwritten: Unwritten = { spaceId, row, origin: { kind: 'new', record, vectors } };
    this.#newIds.add(`${spaceId}/${row.id}`);
    this.#unwritten.set(row.seq, unwritten);
    this.#enter(unwritten);
  }

  /** False: the level was taken from in another way already, so `flush` has to come first. */
  canTake(owner: LevelOwner): boolean {
    const bySession = this.#bySession.get(ownerKey({ ...owner, sessionId: undefined }));
    return bySession === undefined || bySession === (owner.sessionId !== undefined);
  }

  /** All but the newest `keep` contexts of a level, oldest first, where everything is written. */
  stored(owner: LevelOwner, keep: number): StoredRow[] {
    const excess = this.#excess(ownerKey(owner), owner, keep);
    return excess <= 0 ? [] : this.#read(owner, FIRST, excess);
  }

  /** Takes all but the newest `keep` contexts out of a level, oldest first; each must be told its new place by `move`. */
  take(owner: LevelOwner, keep: number): Unwritten[] {
    const key = ownerKey(owner);
    const arrivals = this.#arrivals.get(key);
    const excess = this.#excess(key, owner, keep);
    if (excess <= 0) return [];
    this.#bySession.set(ownerKey({ ...owner, sessionId: undefined }), owner.sessionId !== undefined);
    let stored = this.#stored.get(key);
    if (stored === undefined)
      this.#stored.set(
        key,
        (stored = new StoredQueue((after, count) => this.#read(owner, after, count), this.#takenLast)),
      );
    const taken = stored.take(excess).map((row) => this.#adopt(owner.spaceId, row));
    while (taken.length < excess && arrivals !== undefined && arrivals.first < arrivals.list.length) {
      const { unwritten, entered } = arrivals.list[arrivals.first++] as Arrival;
      if (unwritten.row.entered === entered) taken.push(unwritten);
    }
    for (const { spaceId, row } of taken) this.#counts.addContext(spaceId, row.level, row.agentId, row.sessionId, -1);
    return taken;
  }

  /** To where what was taken goes; `row.entry` and `row.entered` are new. */
  move(unwritten: Unwritten, row: StoredRow): void {
    unwritten.row = row;
    this.#unwritten.set(row.seq, unwritten);
    this.#enter(unwritten);
  }

  /** Writes what was put and moved, and says so in `effects`: from here on the database tells all. */
  flush(effects: Effect[]): void {
    const written: Extract<Effect, { kind: 'add' | 'move' }>[] = [];
    for (const unwritten of this.#unwritten.values()) written.push(this.#write(unwritten));
    // Indexes take entries in rising order.
    written.sort((a, b) => a.document.entry - b.document.entry);
    for (const effect of written) effects.push(effect);
    if (this.#stored.size > 0) this.#takenLast = 1;
    for (const { taken } of this.#stored.values()) this.#takenLast = Math.max(this.#takenLast, taken);
    this.#clear();
    this.#counts.shorten();
  }

  /** Forgets all that a transaction did which is rolled back. */
  discard(): void {
    this.#clear();
    this.#counts.clear();
  }

  #enter(unwritten: Unwritten): void {
    const { spaceId, row } = unwritten;
    const { level, agentId, sessionId, entered } = row;
    for (const key of [
      ownerKey({ spaceId, level, agentId, sessionId }),
      ownerKey({ spaceId, level, agentId, sessionId: undefined }),
    ]) {
      let arrivals = this.#arrivals.get(key);
      if (arrivals === undefined) this.#arrivals.set(key, (arrivals = { list: [], first: 0 }));
      arrivals.list.push({ unwritten, entered });
      this.#counts.add(key, 1);
    }
  }

  #excess(key: string, owner: LevelOwner, keep: number): number {
    return this.#counts.get(key, owner, () => this.#arrivals.get(key)?.list.length ?? 0) - keep;
  }

  #adopt(spaceId: number, row: StoredRow): Unwritten {
    return { spaceId, row, origin: { kind: 'stored', level: row.level, entry: row.entry } };
  }

  #read({ spaceId, level, agentId, sessionId }: LevelOwner, { entered, seq }: Place, count: number): StoredRow[] {
    const found =
      sessionId === undefined
        ? this.#oldest.all.all(spaceId, level, agentId, entered, seq, count)
        : sessionId === null
          ? this.#oldest.sessionless.all(spaceId, level, agentId, entered, seq, count)
          : this.#oldest.session.all(spaceId, level, agentId, sessionId, entered, seq, count);
    return (found as unknown as PackedRows[]).map((values) => checkedStored(values, this.#sealer));
  }

  #write({ spaceId, row, origin }: Unwritten): Extract<Effect, { kind: 'add' | 'move' }> {
    const document = analyzed(row);
    if (origin.kind === 'stored') {
      this.#move.run(...moveValues(spaceId, row));
      return { kind: 'move', spaceId, from: origin.level, oldEntry: origin.entry, document };
    }
    const { record, vectors } = origin;
    const sealer = this.#sealer;
    const place = { seq: row.seq, namespaceId: spaceId, id: row.id };
    const columns = visible(sealer, record);
    const contents = storedContents(sealer, place, record, this.#packFromBytes);
    const { terms, traits } = sealer === null ? row : NO_TERMS;
    this.#insert.run(
      row.seq,
      spaceId,
      row.level,
      row.entry,
      row.entered,
      row.id,
      row.agentId,
      row.sessionId,
      row.createdAtMs,
      record.updatedAtMs,
      row.expiresAtMs,
      row.expiryAction,
      row.expirySetBy,
      row.version,
      row.accessCount,
      row.tokenCount,
      columns.tags,
      columns.metadata,
      ANALYZER_VERSION,
      terms,
      traits,
      textColumn(contents, columns),
      contentSum(record, sealer),
      stateSum(spaceId, row),
      row.times,
      sealedTerms(sealer, place, row),
      contents,
      termsSum(sealer, row),
    );
    this.#insertVector.run(row.seq, sealedVectors(sealer, 'vectors', row.seq, vectors.vector));
    this.#passages.add(row.seq, vectors);
    return { kind: 'add', spaceId, document, ...vectors };
  }

  #clear(): void {
    this.#unwritten.clear();
    this.#newIds.clear();
    this.#arrivals.clear();
    this.#stored.clear();
    this.#bySession.clear();
  }
}

function arrays(database: DatabaseSync, sql: string): StatementSync {
  const statement = database.prepare(sql);
  statement.setReturnArrays(true);
  return statement;
}

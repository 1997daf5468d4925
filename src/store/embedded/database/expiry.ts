// The sweep of contexts whose lifetime has ended.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Effect } from './effects.ts';
import type { WireExpiry, WireSweep } from '../border/expiry-messages.ts';
import type { ContextPatch, Lifetime, Promotion } from '../../store.ts';
import { checkedStored, checkedStoredColumns } from './row-checksums.ts';
import { levelName, type LevelNumber, packRows, type PackedRows, PROMOTE_ACTION } from '../border/rows.ts';
import type { Sealer } from './sealer.ts';
import type { Spaces } from './spaces.ts';
import { STORED_WIDTH, type StoredRow } from './stored-row.ts';
import type { Writer } from './writer.ts';

const LAST_LEVEL: LevelNumber = 3;
const FOR_GOOD: Lifetime = { expiresAtMs: null, expiryAction: 'delete', expirySetBy: 'level' };

export class ExpirySweeper {
  readonly #writer: Writer;
  readonly #spaces: Spaces;
  readonly #due: StatementSync;
  readonly #sealer: Sealer | null;

  constructor(database: DatabaseSync, writer: Writer, spaces: Spaces, sealer: Sealer | null) {
    this.#sealer = sealer;
    this.#writer = writer;
    this.#spaces = spaces;
    this.#due = database.prepare(`SELECT ${checkedStoredColumns(sealer)} FROM contexts AS c
      WHERE c.expires_at IS NOT NULL AND c.expires_at <= ? ORDER BY c.expires_at, c.seq LIMIT ?`);
    this.#due.setReturnArrays(true);
  }

  sweep(request: WireExpiry, effects: Effect[]): WireSweep {
    this.#writer.flush(effects);
    const due = this.#due.all(request.nowMs, request.limit + 1) as unknown as PackedRows[];
    const promoted: WireSweep['promoted'][number][] = [];
    const deleted: WireSweep['deleted'][number][] = [];
    for (const values of due.slice(0, request.limit)) {
      const row = checkedStored(values, this.#sealer);
      const spaceId = values[STORED_WIDTH] as number;
      const name = this.#spaces.byId(spaceId)?.name ?? '';
      if (isToBeDeleted(row, request.promoted)) {
        this.#writer.remove(spaceId, row, effects);
        deleted.push([name, row.id, row.level]);
      } else if (row.level === LAST_LEVEL) {
        // There is nowhere to promote it to, so it stays for good.
        this.#writer.place(spaceId, row, { lifetime: FOR_GOOD }, effects);
      } else {
        const lifetime = request.promoted ?? FOR_GOOD;
        const patch: ContextPatch = { move: { to: levelName(LAST_LEVEL), lifetime }, lifetime };
        promoted.push([name, packRows([this.#writer.place(spaceId, row, patch, effects)])]);
      }
    }
    return { promoted, deleted, more: due.length > request.limit };
  }
}

function isToBeDeleted({ expiryAction, level, accessCount }: StoredRow, promoted: Promotion | null): boolean {
  if (promoted === null || expiryAction !== PROMOTE_ACTION) return true;
  return level !== LAST_LEVEL && accessCount < (promoted.accessesMin ?? 0);
}

// The sweep of contexts whose lifetime has ended.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Effect } from './effects.ts';
import type { WireExpiry, WireSweep } from '../border/messages.ts';
import { CHECKED_STORED_COLUMNS, checkedStored, stateSum } from './row-checksums.ts';
import { DELETE_ACTION, type LevelNumber, packRows, type PackedRows, PROMOTE_ACTION } from '../border/rows.ts';
import type { Spaces } from './spaces.ts';
import { STORED_WIDTH } from './stored-row.ts';
import type { Writer } from './writer.ts';

const LAST_LEVEL: LevelNumber = 3;

export class ExpirySweeper {
  readonly #writer: Writer;
  readonly #spaces: Spaces;
  readonly #due: StatementSync;
  readonly #clear: StatementSync;

  constructor(database: DatabaseSync, writer: Writer, spaces: Spaces) {
    this.#writer = writer;
    this.#spaces = spaces;
    this.#due = database.prepare(`SELECT ${CHECKED_STORED_COLUMNS} FROM contexts AS c
      WHERE c.expires_at IS NOT NULL AND c.expires_at <= ? ORDER BY c.expires_at, c.seq LIMIT ?`);
    this.#due.setReturnArrays(true);
    this.#clear = database.prepare(
      'UPDATE contexts SET expires_at = NULL, expiry_action = 0, state_sum = ? WHERE seq = ?',
    );
  }

  sweep(request: WireExpiry, effects: Effect[]): WireSweep {
    this.#writer.flush(effects);
    const due = this.#due.all(request.nowMs, request.limit + 1) as unknown as PackedRows[];
    const promoted: WireSweep['promoted'][number][] = [];
    const deleted: WireSweep['deleted'][number][] = [];
    for (const values of due.slice(0, request.limit)) {
      const row = checkedStored(values);
      const spaceId = values[STORED_WIDTH] as number;
      const name = this.#spaces.byId(spaceId)?.name ?? '';
      if (row.expiryAction !== PROMOTE_ACTION) {
        this.#writer.remove(spaceId, row, effects);
        deleted.push([name, row.id, row.level]);
      } else if (row.level === LAST_LEVEL) {
        // There is nowhere to promote it to, so it stays for good.
        const kept = { ...row, expiresAtMs: null, expiryAction: DELETE_ACTION };
        this.#clear.run(stateSum(spaceId, kept), row.seq);
      } else {
        const to = { level: LAST_LEVEL, expiresAtMs: request.promotedExpiresAtMs, expiryAction: DELETE_ACTION };
        promoted.push([name, packRows([this.#writer.move(spaceId, row, to, effects)])]);
      }
    }
    return { promoted, deleted, more: due.length > request.limit };
  }
}

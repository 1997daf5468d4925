// The sweep of contexts whose lifetime has ended.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Effect } from './effects.ts';
import type { WireExpiry, WireSweep } from '../messages.ts';
import { DELETE_ACTION, type LevelNumber, PROMOTE_ACTION } from './rows.ts';
import type { Spaces } from './spaces.ts';
import { STORED_COLUMNS, type StoredRow } from './stored-row.ts';
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
    this.#due = database.prepare(`SELECT c.namespace_id, ${STORED_COLUMNS} FROM contexts AS c
      WHERE c.expires_at IS NOT NULL AND c.expires_at <= ? ORDER BY c.expires_at, c.seq LIMIT ?`);
    this.#clear = database.prepare('UPDATE contexts SET expires_at = NULL, expiry_action = 0 WHERE seq = ?');
  }

  sweep(request: WireExpiry, effects: Effect[]): WireSweep {
    this.#writer.flush(effects);
    const due = this.#due.all(request.nowMs, request.limit + 1) as unknown as (StoredRow & { namespace_id: number })[];
    const promoted: WireSweep['promoted'][number][] = [];
    const deleted: WireSweep['deleted'][number][] = [];
    for (const row of due.slice(0, request.limit)) {
      const name = this.#spaces.byId(row.namespace_id)?.name ?? '';
      if (row.expiry_action !== PROMOTE_ACTION) {
        this.#writer.remove(row.namespace_id, row, effects);
        deleted.push([name, row.id, row.level]);
      } else if (row.level === LAST_LEVEL) {
        // There is nowhere to promote it to, so it stays for good.
        this.#clear.run(row.seq);
      } else {
        const to = { level: LAST_LEVEL, expiresAtMs: request.promotedExpiresAtMs, action: DELETE_ACTION };
        promoted.push([name, this.#writer.move(row.namespace_id, row, to, effects)]);
      }
    }
    return { promoted, deleted, more: due.length > request.limit };
  }
}

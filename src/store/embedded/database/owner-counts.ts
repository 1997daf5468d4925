// How many contexts an owner has in a level: what tells a trim that nothing overflows without asking the database.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { LevelNumber } from '../border/rows.ts';

/** One level of an agent in a namespace; of one session of it (null: of none), or of all of them (undefined). */
export interface LevelOwner {
  readonly spaceId: number;
  readonly level: LevelNumber;
  readonly agentId: string;
  readonly sessionId: string | null | undefined;
}

interface MovingContext {
  readonly level: LevelNumber;
  readonly agentId: string;
  readonly sessionId: string | null;
}

/** Counts kept between transactions; one that is not kept is counted again. */
const KNOWN_MAX = 20_000;

/** The length of a name stands before it, so that no choice of names makes two owners one. */
export function ownerKey({ spaceId, level, agentId, sessionId }: LevelOwner): string {
  const agent = `${spaceId}/${level}/${agentId.length}:${agentId}`;
  return sessionId === undefined ? agent : sessionId === null ? `${agent}-` : `${agent}+${sessionId}`;
}

export class OwnerCounts {
  readonly #known = new Map<string, number>();
  readonly #count: {
    readonly all: StatementSync;
    readonly session: StatementSync;
    readonly sessionless: StatementSync;
  };

  constructor(database: DatabaseSync) {
    const count = (owner: string) =>
      database.prepare(
        `SELECT count(*) AS count FROM contexts WHERE namespace_id = ? AND level = ? AND agent_id = ? ${owner}`,
      );
    this.#count = {
      all: count(''),
      session: count('AND session_id = ?'),
      sessionless: count('AND session_id IS NULL'),
    };
  }

  /** `unwritten`: those that the open transaction has put there and not written. */
  get(key: string, owner: LevelOwner, unwritten: () => number): number {
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    const count = this.#stored(owner) + unwritten();
    this.#known.set(key, count);
    return count;
  }

  add(key: string, by: number): void {
    const known = this.#known.get(key);
    if (known !== undefined) this.#known.set(key, known + by);
  }

  /** The same for a context of this owner, in the counts of its session and of its agent. */
  addContext(spaceId: number, level: LevelNumber, agentId: string, sessionId: string | null, by: number): void {
    this.add(ownerKey({ spaceId, level, agentId, sessionId }), by);
    this.add(ownerKey({ spaceId, level, agentId, sessionId: undefined }), by);
  }

  /** A context goes from where it is to `level`. */
  moveContext(spaceId: number, from: MovingContext, level: LevelNumber): void {
    if (level === from.level) return;
    this.addContext(spaceId, from.level, from.agentId, from.sessionId, -1);
    this.addContext(spaceId, level, from.agentId, from.sessionId, 1);
  }

  /** To be called where everything is written, as a count can then be taken again. */
  shorten(): void {
    for (const key of this.#known.keys()) {
      if (this.#known.size <= KNOWN_MAX) return;
      this.#known.delete(key);
    }
  }

  clear(): void {
    this.#known.clear();
  }

  #stored({ spaceId, level, agentId, sessionId }: LevelOwner): number {
    const row =
      sessionId === undefined
        ? this.#count.all.get(spaceId, level, agentId)
        : sessionId === null
          ? this.#count.sessionless.get(spaceId, level, agentId)
          : this.#count.session.get(spaceId, level, agentId, sessionId);
    return (row as { count: number }).count;
  }
}

// The namespaces of the database: their numbers and their counts by level, all in memory.

import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { Effect } from './effects.ts';
import type { LevelNumber } from '../border/rows.ts';
import { spaceSum } from './small-sums.ts';

export interface Space {
  readonly id: number;
  readonly name: string;
  /** Contexts by level number - 1. */
  readonly counts: [number, number, number];
}

/** No client's: a namespace has no such character. The number of an erased one is never another's. */
const ERASED_NAME = '~erased-';

export class Spaces {
  readonly #byName = new Map<string, Space>();
  readonly #byId = new Map<number, Space>();
  readonly #insert: StatementSync;
  readonly #setSum: StatementSync;
  readonly #rename: StatementSync;
  /** Made by the open transaction: gone again if it is rolled back. */
  #uncommitted: Space[] = [];

  constructor(database: DatabaseSync) {
    this.#insert = database.prepare('INSERT INTO namespaces (name) VALUES (?) RETURNING id');
    this.#setSum = database.prepare('UPDATE namespaces SET sum = ? WHERE id = ?');
    this.#rename = database.prepare('UPDATE namespaces SET name = ?, sum = ? WHERE id = ?');
    const named = database.prepare(`SELECT id, name FROM namespaces WHERE name NOT LIKE '${ERASED_NAME}%' ORDER BY id`);
    for (const row of named.iterate()) {
      this.#remember({ id: row['id'] as number, name: row['name'] as string, counts: [0, 0, 0] });
    }
    const counts = database.prepare(
      'SELECT namespace_id, level, count(*) AS count FROM contexts GROUP BY namespace_id, level',
    );
    for (const row of counts.iterate()) {
      this.add(row['namespace_id'] as number, row['level'] as LevelNumber, row['count'] as number);
    }
  }

  get(name: string): Space | undefined {
    return this.#byName.get(name);
  }

  byId(id: number): Space | undefined {
    return this.#byId.get(id);
  }

  /** In the order of their numbers. */
  all(): Iterable<Space> {
    return this.#byName.values();
  }

  /** The namespace, made where it does not exist; inside a transaction only. */
  getOrCreate(name: string): Space {
    const known = this.#byName.get(name);
    if (known !== undefined) return known;
    const { id } = this.#insert.get(name) as { id: number };
    this.#setSum.run(spaceSum(id, name), id);
    const space: Space = { id, name, counts: [0, 0, 0] };
    this.#remember(space);
    this.#uncommitted.push(space);
    return space;
  }

  /** Takes its name from one that holds nothing, between transactions; false: it holds something. */
  forget(space: Space): boolean {
    if (space.counts.some((count) => count > 0)) return false;
    const erased = `${ERASED_NAME}${space.id}`;
    this.#rename.run(erased, spaceSum(space.id, erased), space.id);
    this.#byName.delete(space.name);
    this.#byId.delete(space.id);
    return true;
  }

  /** What a committed transaction did to the counts. */
  apply(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.kind === 'add') this.add(effect.spaceId, effect.document.level, 1);
      else if (effect.kind === 'remove') this.add(effect.spaceId, effect.level, -1);
      else if (effect.kind === 'move') {
        this.add(effect.spaceId, effect.from, -1);
        this.add(effect.spaceId, effect.document.level, 1);
      }
    }
  }

  add(id: number, level: LevelNumber, by: number): void {
    const space = this.#byId.get(id);
    if (space !== undefined) space.counts[level - 1] = (space.counts[level - 1] as number) + by;
  }

  /** How many namespaces the open transaction has made so far: what `rolledBackTo` goes back to. */
  mark(): number {
    return this.#uncommitted.length;
  }

  committed(): void {
    this.#uncommitted = [];
  }

  rolledBackTo(mark: number): void {
    for (const space of this.#uncommitted.splice(mark)) {
      this.#byName.delete(space.name);
      this.#byId.delete(space.id);
    }
  }

  #remember(space: Space): void {
    this.#byName.set(space.name, space);
    this.#byId.set(space.id, space);
  }
}

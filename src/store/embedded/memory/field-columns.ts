// Values that filters ask about, by document, kept once they have been read: the first filter on a key
// reads the rows, the next ones only memory.

import type { JsonValue } from '../../../base/context.ts';

/** Keys whose values are kept at a time; past it the one asked for longest ago goes. */
export const COLUMNS_MAX = 16;
/** Distinct strings of a column that are shared between documents. */
const SHARED_STRINGS_MAX = 4096;
/** Bytes of a slot and of a typical value. */
const VALUE_BYTES = 24;
const UNREAD = Symbol('unread');

type Cell = JsonValue | undefined | typeof UNREAD;

/** The values of one key; a document whose value has not been read yet is told apart from one without any. */
export class FieldColumn {
  #cells: Cell[] = [];
  readonly #strings = new Map<string, string>();

  isRead(ordinal: number): boolean {
    return ordinal < this.#cells.length && this.#cells[ordinal] !== UNREAD;
  }

  value(ordinal: number): JsonValue | undefined {
    return this.#cells[ordinal] as JsonValue | undefined;
  }

  set(ordinal: number, value: JsonValue | undefined): void {
    while (this.#cells.length < ordinal) this.#cells.push(UNREAD);
    this.#cells[ordinal] = typeof value === 'string' ? this.#share(value) : value;
  }

  forget(ordinal: number): void {
    if (ordinal < this.#cells.length) this.#cells[ordinal] = UNREAD;
  }

  renumber(moved: Uint32Array): void {
    const cells = this.#cells;
    this.#cells = [];
    for (let ordinal = 0; ordinal < cells.length; ordinal++) {
      const to = moved[ordinal] as number;
      if (to !== 0xffffffff) this.#cells[to] = cells[ordinal];
    }
  }

  get memoryBytes(): number {
    return this.#cells.length * VALUE_BYTES;
  }

  #share(value: string): string {
    const known = this.#strings.get(value);
    if (known !== undefined) return known;
    if (this.#strings.size < SHARED_STRINGS_MAX) this.#strings.set(value, value);
    return value;
  }
}

export class FieldColumns {
  /** The longest unused first. */
  readonly #columns = new Map<string, FieldColumn>();

  /** The column of a key, empty where it is asked for the first time. */
  use(key: string): FieldColumn {
    const column = this.#columns.get(key) ?? new FieldColumn();
    this.#columns.delete(key);
    this.#columns.set(key, column);
    if (this.#columns.size > COLUMNS_MAX) this.#columns.delete(this.#columns.keys().next().value as string);
    return column;
  }

  /** The document's row has changed. */
  forget(ordinal: number): void {
    for (const column of this.#columns.values()) column.forget(ordinal);
  }

  renumber(moved: Uint32Array): void {
    for (const column of this.#columns.values()) column.renumber(moved);
  }

  get memoryBytes(): number {
    let bytes = 0;
    for (const column of this.#columns.values()) bytes += column.memoryBytes;
    return bytes;
  }
}

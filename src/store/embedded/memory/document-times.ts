// When the documents of a namespace hold, where that is not told by their creation alone: nothing is kept of the others,
// and where all are such nobody need look. Columns are made for the first document that needs them.

import type { ContextTimes } from '../../../base/context.ts';
import { NO_FLOATS } from '../arrays/growing.ts';
import { holds, type TimeView, validUntil } from '../../times.ts';
import { parseTimes } from '../border/times.ts';

/** In the place of a new ordinal: there is none. */
const GONE = 0xffffffff;
/** Of an entry of the map with its times. */
const KNOWN_BYTES = 250;

export class DocumentTimes {
  /** NaN: since its creation. */
  readonly #starts = new SparseColumn(Number.NaN);
  readonly #ends = new SparseColumn(Infinity);
  /** NaN: at its creation. */
  readonly #recorded = new SparseColumn(Number.NaN);
  /** Of those whose end depends on what is known; null: there have been none. */
  #superseded: Map<number, ContextTimes> | null = null;

  /** `json`: as the row has it. */
  set(ordinal: number, json: string | null): void {
    const times = json === null ? undefined : parseTimes(json);
    this.#starts.set(ordinal, times?.validFromMs);
    this.#recorded.set(ordinal, times?.recordedAtMs);
    const end = times === undefined ? Infinity : validUntil({ times });
    this.#ends.set(ordinal, end === Infinity ? undefined : end);
    if (times?.superseded !== undefined) this.#supersede(ordinal, times);
    else this.#superseded?.delete(ordinal);
  }

  /** Nobody asks for more than that documents exist, and none begins or ends by itself. */
  isNothingTo({ isNow, knownAtMs }: TimeView): boolean {
    return isNow && knownAtMs === undefined && this.#starts.isEmpty && this.#ends.isEmpty;
  }

  start(ordinal: number, createdAtMs: number): number {
    const start = this.#starts.at(ordinal);
    return Number.isNaN(start) ? createdAtMs : start;
  }

  /** Infinity: it has none. */
  end(ordinal: number): number {
    return this.#ends.at(ordinal);
  }

  holds(ordinal: number, createdAtMs: number, view: TimeView): boolean {
    const { asOfMs, isNow, knownAtMs, includePast = false } = view;
    if (knownAtMs !== undefined) return this.#heldAsKnown(ordinal, createdAtMs, view);
    const start = this.#starts.at(ordinal);
    if (Number.isNaN(start) ? !isNow && createdAtMs > asOfMs : start > asOfMs) return false;
    return includePast || this.#ends.at(ordinal) > asOfMs;
  }

  #heldAsKnown(ordinal: number, createdAtMs: number, view: TimeView): boolean {
    const known = this.#superseded?.get(ordinal);
    if (known !== undefined) return holds({ createdAtMs, times: known }, view);
    const [recordedAtMs, validFromMs, validUntilMs] = [this.#recorded, this.#starts, this.#ends].map((column) =>
      column.at(ordinal),
    ) as [number, number, number];
    const times = {
      ...(Number.isNaN(recordedAtMs) ? {} : { recordedAtMs }),
      ...(Number.isNaN(validFromMs) ? {} : { validFromMs }),
      ...(validUntilMs === Infinity ? {} : { validUntilMs }),
    };
    return holds({ createdAtMs, times }, view);
  }

  /** What is kept of all documents: start, end and recording. */
  get columns(): readonly Pick<SparseColumn, 'isEmpty' | 'slice' | 'room'>[] {
    return [this.#starts, this.#ends, this.#recorded];
  }

  /** Of the first `count` documents those whose end depends on what is known: what `restore` takes. */
  *saved(count: number): Generator<readonly [ordinal: number, times: ContextTimes]> {
    for (const entry of this.#superseded ?? []) if (entry[0] < count) yield entry;
  }

  restore([ordinal, times]: readonly [ordinal: number, times: ContextTimes]): void {
    this.#supersede(ordinal, times);
  }

  renumber(moved: Uint32Array): void {
    for (const column of [this.#starts, this.#ends, this.#recorded]) column.renumber(moved);
    const before = this.#superseded ?? [];
    this.#superseded = null;
    for (const [ordinal, times] of before) {
      const to = moved[ordinal] ?? GONE;
      if (to !== GONE) this.#supersede(to, times);
    }
  }

  get memoryBytes(): number {
    const columns = this.#starts.bytes + this.#ends.bytes + this.#recorded.bytes;
    return columns + (this.#superseded?.size ?? 0) * KNOWN_BYTES;
  }

  #supersede(ordinal: number, times: ContextTimes): void {
    (this.#superseded ??= new Map<number, ContextTimes>()).set(ordinal, times);
  }
}

/** A number for each ordinal, nearly always the same one: no memory until another one comes. */
class SparseColumn {
  readonly #usual: number;
  #values = NO_FLOATS;

  constructor(usual: number) {
    this.#usual = usual;
  }

  get isEmpty(): boolean {
    return this.#values.length === 0;
  }

  get bytes(): number {
    return this.#values.byteLength;
  }

  at(ordinal: number): number {
    return ordinal < this.#values.length ? (this.#values[ordinal] as number) : this.#usual;
  }

  /** Of the ordinals from `from` on and before `to`. */
  slice(from: number, to: number): Float64Array<ArrayBuffer> {
    const values = new Float64Array(to - from).fill(this.#usual);
    values.set(this.#values.subarray(from, to));
    return values;
  }

  /** Those of so many documents, for what `slice` gave; before anything is set. */
  room(count: number): Float64Array<ArrayBuffer> {
    this.#grow(count);
    return this.#values.subarray(0, count);
  }

  /** undefined: the usual one. */
  set(ordinal: number, value: number | undefined): void {
    if (value === undefined && ordinal >= this.#values.length) return;
    if (ordinal >= this.#values.length) this.#grow(ordinal + 1);
    this.#values[ordinal] = value ?? this.#usual;
  }

  renumber(moved: Uint32Array): void {
    const before = this.#values;
    if (before.length === 0) return;
    let length = 0;
    const kept: [to: number, value: number][] = [];
    before.forEach((value, ordinal) => {
      const to = moved[ordinal] ?? GONE;
      if (to === GONE || Object.is(value, this.#usual)) return;
      kept.push([to, value]);
      length = Math.max(length, to + 1);
    });
    this.#values = new Float64Array(length).fill(this.#usual);
    for (const [to, value] of kept) this.#values[to] = value;
  }

  #grow(length: number): void {
    const grown = new Float64Array(Math.max(length, this.#values.length * 2, 64)).fill(this.#usual);
    grown.set(this.#values);
    this.#values = grown;
  }
}

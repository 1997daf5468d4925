// Long JSON texts of strangers, read a slice at a time: `JSON.parse` of some megabytes holds everybody else up for up to a second.

import { HALF_PAIR, keyFault, numberFault } from './json-faults.ts';
import type { LoopTurns } from './loop-turns.ts';

/** From a value's first character to behind its last. */
export interface JsonSpan {
  readonly from: number;
  readonly to: number;
}

/** An item of a list of the outermost map. */
export interface JsonItem extends JsonSpan {
  /** Its member of the name that is marked, where it is a map with one. */
  readonly marked?: JsonSpan;
}

/** A value of the outermost map; with the places of its items, where it is a list. */
export interface JsonMember extends JsonSpan {
  readonly items: readonly JsonItem[];
}

export interface JsonRead {
  readonly value: unknown;
  /** Maps and lists inside one another. */
  readonly depth: number;
  /** The first thing that the text says and no value of JavaScript holds, as `findJsonFaults` tells it; null: there is none. */
  readonly fault: string | null;
  /** Of the outermost map, by name; of a name that stands twice the last one, as its value is. */
  readonly members: ReadonlyMap<string, JsonMember>;
}

export interface JsonBounds {
  /** Values of any kind in one another; keys are not counted. */
  readonly valuesMax: number;
  /** Maps and lists inside one another. */
  readonly depthMax: number;
  /** Name of a member whose place is told, in each item of the outermost map's lists. */
  readonly marked?: string;
}

/** The text is no JSON. */
export class NoJson extends Error {}

/** There is more in it than may be. */
export class TooMuchJson extends Error {}

/** A slice of some milliseconds, however many values stand in it. */
const SLICE_UNITS = 16_384;
/** A longer text is read in pieces. */
const PIECE_UNITS = 65_536;
/** Longer than any number that somebody means. */
const NUMBER_UNITS_MAX = 1_024;

/** As `JSON.parse`, but for the bounds; between two slices others have their turn. Rejects with `NoJson` or `TooMuchJson`. */
export async function readJsonInTurns(text: string, bounds: JsonBounds, turns: LoopTurns): Promise<JsonRead> {
  const reader = new JsonSteps(text, bounds);
  while (!reader.step()) await turns.next();
  return reader.read();
}

type Container = unknown[] | Record<string, unknown>;

interface Open {
  readonly container: Container;
  readonly isList: boolean;
  /** Where the container begins. */
  readonly from: number;
  /** Of the value that comes next, in a map. */
  key: string;
}

/** What may come next. */
type Due = 'value' | 'value or end' | 'key' | 'key or end' | 'colon' | 'comma or end' | 'nothing';

const STRING_DUE: ReadonlySet<Due> = new Set(['value', 'value or end', 'key', 'key or end']);
const QUOTE = 0x22;
const COMMA = 0x2c;
const COLON = 0x3a;
const BACKSLASH = 0x5c;
const NUMBER = /-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
const NAMES: ReadonlyMap<number, readonly [name: string, value: unknown]> = new Map([
  [0x74, ['true', true]],
  [0x66, ['false', false]],
  [0x6e, ['null', null]],
]);

class JsonSteps {
  readonly #text: string;
  readonly #bounds: JsonBounds;
  readonly #open: Open[] = [];
  readonly #members = new Map<string, JsonMember>();
  #items: JsonItem[] = [];
  #marked: JsonSpan | null = null;
  #at = 0;
  #due: Due = 'value';
  #value: unknown;
  #values = 0;
  #depth = 0;
  #fault: string | null = null;
  /** Of a string that is longer than a piece, as far as it is read; null: none is being read. */
  #pieces: string[] | null = null;
  #stringFrom = 0;

  constructor(text: string, bounds: JsonBounds) {
    this.#text = text;
    this.#bounds = bounds;
  }

  read(): JsonRead {
    return { value: this.#value, depth: this.#depth, fault: this.#fault, members: this.#members };
  }

  /** Reads on for a slice; true: the text is read. */
  step(): boolean {
    const end = this.#at + SLICE_UNITS;
    while (this.#at < this.#text.length && this.#at < end) this.#token(end);
    if (this.#at < this.#text.length) return false;
    if (this.#due !== 'nothing' || this.#pieces !== null) throw new NoJson('it ends too early');
    return true;
  }

  #token(end: number): void {
    if (this.#pieces !== null) return this.#string();
    const unit = this.#text.charCodeAt(this.#at);
    if (isBlank(unit)) return this.#skipBlanks(end);
    if (unit === QUOTE) {
      if (!STRING_DUE.has(this.#due)) throw new NoJson('a string where none may be');
      this.#stringFrom = this.#at;
      this.#at += 1;
      this.#pieces = [];
      return this.#string();
    }
    if (unit === COLON && this.#due === 'colon') {
      this.#at += 1;
      this.#due = 'value';
    } else if (unit === COMMA && this.#due === 'comma or end') {
      this.#at += 1;
      this.#due = this.#open.at(-1)?.isList === true ? 'value' : 'key';
    } else if (unit === 0x5d || unit === 0x7d) this.#close(unit === 0x5d);
    else if (this.#due !== 'value' && this.#due !== 'value or end') throw new NoJson('a value where none may be');
    else if (unit === 0x5b || unit === 0x7b) this.#enter(unit === 0x5b);
    else this.#scalar(unit);
  }

  #skipBlanks(end: number): void {
    while (this.#at < end && isBlank(this.#text.charCodeAt(this.#at))) this.#at += 1;
  }

  #enter(isList: boolean): void {
    const open: Open = { container: isList ? [] : {}, isList, from: this.#at, key: '' };
    this.#open.push(open);
    this.#depth = Math.max(this.#depth, this.#open.length);
    if (this.#depth > this.#bounds.depthMax) throw new TooMuchJson('is nested too deep');
    if (this.#open.length === 2) this.#items = [];
    if (this.#open.length === 3) this.#marked = null;
    this.#at += 1;
    this.#due = isList ? 'value or end' : 'key or end';
  }

  #close(isList: boolean): void {
    const open = this.#open.pop();
    const mayEnd = this.#due === 'comma or end' || this.#due === (isList ? 'value or end' : 'key or end');
    if (open === undefined || open.isList !== isList || !mayEnd) throw new NoJson('a bracket where none may be');
    this.#at += 1;
    this.#add(open.container, open.from);
  }

  #scalar(first: number): void {
    const from = this.#at;
    const named = NAMES.get(first);
    if (named !== undefined) {
      const [name, value] = named;
      if (!this.#text.startsWith(name, from)) throw new NoJson('a word that is none');
      this.#at += name.length;
      return this.#add(value, from);
    }
    NUMBER.lastIndex = 0;
    const found = NUMBER.exec(this.#text.slice(from, from + NUMBER_UNITS_MAX + 1));
    if (found === null) throw new NoJson('a sign where none may be');
    const [token, fraction, exponent] = found;
    if (token.length > NUMBER_UNITS_MAX) throw new TooMuchJson('holds a number that is too long');
    this.#fault ??= numberFault(token, fraction === undefined && exponent === undefined);
    this.#at += token.length;
    this.#add(Number(token), from);
  }

  /** A piece of it, or all that is left. */
  #string(): void {
    const piece = this.#text.slice(this.#at, this.#at + PIECE_UNITS);
    const end = endIn(piece);
    const raw = piece.slice(0, end ?? wholeEscapes(piece));
    this.#pieces?.push(decoded(raw));
    this.#at += raw.length;
    if (end === null) {
      if (raw === '') throw new NoJson('a string without an end');
      return;
    }
    this.#at += 1;
    const text = this.#pieces?.length === 1 ? (this.#pieces[0] ?? '') : (this.#pieces?.join('') ?? '');
    this.#pieces = null;
    if (!text.isWellFormed()) this.#fault ??= HALF_PAIR;
    if (this.#due === 'key' || this.#due === 'key or end') this.#key(text);
    else this.#add(text, this.#stringFrom);
  }

  #key(key: string): void {
    const open = this.#open.at(-1);
    if (open === undefined) throw new NoJson('a key outside of a map');
    this.#fault ??= keyFault(key, Object.hasOwn(open.container, key));
    open.key = key;
    this.#due = 'colon';
  }

  #addItem(from: number): void {
    this.#items.push({ from, to: this.#at, ...(this.#marked !== null && { marked: this.#marked }) });
    this.#marked = null;
  }

  #add(value: unknown, from: number): void {
    this.#values += 1;
    if (this.#values > this.#bounds.valuesMax)
      throw new TooMuchJson(`holds more than ${this.#bounds.valuesMax} values`);
    const open = this.#open.at(-1);
    this.#due = open === undefined ? 'nothing' : 'comma or end';
    if (open === undefined) {
      this.#value = value;
      return;
    }
    if (Array.isArray(open.container)) {
      open.container.push(value);
      if (this.#open.length === 2) this.#addItem(from);
      return;
    }
    if (open.key === '__proto__') Object.defineProperty(open.container, open.key, { value, ...PLAIN });
    else open.container[open.key] = value;
    if (this.#open.length === 3 && open.key === this.#bounds.marked) this.#marked = { from, to: this.#at };
    if (this.#open.length !== 1) return;
    this.#members.set(open.key, { from, to: this.#at, items: Array.isArray(value) ? this.#items : [] });
  }
}

const PLAIN = { enumerable: true, configurable: true, writable: true };

function isBlank(unit: number): boolean {
  return unit === 0x20 || unit === 0x0a || unit === 0x0d || unit === 0x09;
}

/** Where a string's closing quote stands in a piece of its text; null: it is not in there. */
function endIn(piece: string): number | null {
  for (let end = piece.indexOf('"'); end !== -1; end = piece.indexOf('"', end + 1)) {
    let start = end;
    while (start > 0 && piece.charCodeAt(start - 1) === BACKSLASH) start -= 1;
    if ((end - start) % 2 === 0) return end;
  }
  return null;
}

/** Up to where a piece ends between two characters as they are written: no escape is cut. */
function wholeEscapes(piece: string): number {
  const { length } = piece;
  for (let at = Math.max(0, length - ESCAPE_UNITS_MAX); at < length; at++) {
    if (piece.charCodeAt(at) !== BACKSLASH) continue;
    let start = at;
    while (start > 0 && piece.charCodeAt(start - 1) === BACKSLASH) start -= 1;
    // An even number before it: it begins an escape of its own.
    if ((at - start) % 2 !== 0) continue;
    const units = piece[at + 1] === 'u' ? ESCAPE_UNITS_MAX : 2;
    if (at + units > length) return at;
  }
  return length;
}

/** A backslash, a `u` and four digits. */
const ESCAPE_UNITS_MAX = 6;

function decoded(raw: string): string {
  try {
    return JSON.parse(`"${raw}"`) as string;
  } catch {
    throw new NoJson('a string that is none');
  }
}

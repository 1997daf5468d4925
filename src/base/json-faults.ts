import { jsonStringEnd } from './json.ts';

/** What `JSON.parse` would take without a word, but change or lose. */
export interface JsonFault {
  /** With what the text says, as it says it: not for a terminal as it is. */
  readonly reason: string;
  /** In which key of the outermost map, which element of the list there, and which key of the map that this is. */
  readonly path: readonly [key: string, index?: number, field?: string];
}

export interface JsonFaults {
  /** Maps and lists inside one another. */
  readonly depth: number;
  /** In order; one for each path. */
  readonly faults: readonly JsonFault[];
}

/** Deeper than anything here is read: the rest is not looked at. */
export const DEPTH_SCANNED_MAX = 1_000;
const SPACE = 0x20;
const COLON = 0x3a;
const NUMBER = /-?\d+(\.\d+)?([eE][+-]?\d+)?/y;
const CHARS_SHOWN = 64;

/**
 * Looks for what a JSON text says that no value of JavaScript holds: keys that stand twice, `__proto__`, numbers past
 * the range of a float64 or integers that it rounds, and halves of surrogate pairs, which are no characters. One pass
 * over the text, without recursion. Text that is not JSON gives an answer as well; whether it is JSON tells the parser.
 */
export function findJsonFaults(text: string): JsonFaults {
  const scan = new JsonScan(text);
  scan.run();
  return { depth: scan.depth, faults: scan.faults };
}

class JsonScan {
  depth = 0;
  readonly faults: JsonFault[] = [];
  readonly #text: string;
  #at = 0;
  /** The keys of every open map so far; null for a list. */
  readonly #open: (Set<string> | null)[] = [];
  #outerKey = '';
  #index = 0;
  #field = '';

  constructor(text: string) {
    this.#text = text;
  }

  run(): void {
    while (this.#at < this.#text.length && this.depth <= DEPTH_SCANNED_MAX) this.#step(this.#text.charCodeAt(this.#at));
  }

  #step(code: number): void {
    if (code === 0x22) return this.#string();
    if (code === 0x2d || (code >= 0x30 && code <= 0x39)) return this.#number();
    this.#at += 1;
    if (code === 0x7b) this.#enter(new Set());
    else if (code === 0x5b) this.#enter(null);
    else if (code === 0x7d || code === 0x5d) this.#open.pop();
    else if (code === 0x2c && this.#open.length === 2) this.#index += 1;
  }

  #enter(keys: Set<string> | null): void {
    this.#open.push(keys);
    this.depth = Math.max(this.depth, this.#open.length);
    if (this.#open.length === 2) this.#index = 0;
  }

  #string(): void {
    const end = jsonStringEnd(this.#text, this.#at + 1);
    const token = this.#text.slice(this.#at, end);
    this.#at = end;
    // Text that was decoded from UTF-8 is well formed: only escapes can name half of a pair.
    if (token.includes('\\u') && unescaped(token)?.isWellFormed() === false) this.#add(HALF_PAIR);
    const keys = this.#open.at(-1);
    if (keys === undefined || keys === null || !this.#isKey()) return;
    const key = token.includes('\\') ? unescaped(token) : token.slice(1, -1);
    if (key !== undefined) this.#key(key, keys);
  }

  #key(key: string, keys: Set<string>): void {
    if (this.#open.length === 1) this.#outerKey = key;
    if (this.#open.length === 3) this.#field = key;
    const fault = keyFault(key, keys.has(key));
    if (fault !== null) this.#add(fault);
    keys.add(key);
  }

  /** Whether a colon comes next. */
  #isKey(): boolean {
    let at = this.#at;
    while (this.#text.charCodeAt(at) <= SPACE) at += 1;
    return this.#text.charCodeAt(at) === COLON;
  }

  #number(): void {
    NUMBER.lastIndex = this.#at;
    const [token = '', fraction, exponent] = NUMBER.exec(this.#text) ?? [];
    this.#at += Math.max(1, token.length);
    if (token === '') return;
    const fault = numberFault(token, fraction === undefined && exponent === undefined);
    if (fault !== null) this.#add(fault);
  }

  #add(reason: string): void {
    const path = this.#path();
    const last = this.faults.at(-1)?.path;
    if (last?.[0] !== path[0] || last[1] !== path[1] || last[2] !== path[2]) this.faults.push({ reason, path });
  }

  #path(): JsonFault['path'] {
    const [, second, third] = this.#open;
    if (second !== null) return [this.#outerKey];
    return third instanceof Set ? [this.#outerKey, this.#index, this.#field] : [this.#outerKey, this.#index];
  }
}

export const HALF_PAIR = 'holds half of a surrogate pair, which is no character';

/** Null: there is none. */
export function keyFault(key: string, isRepeated: boolean): string | null {
  if (isRepeated) return `the key \`${shown(key)}\` stands twice`;
  return key === '__proto__' ? 'the key `__proto__` is not allowed' : null;
}

/** Null: there is none. */
export function numberFault(token: string, isInteger: boolean): string | null {
  const value = Number(token);
  if (!Number.isFinite(value)) return 'holds a number that is too large';
  if (!isInteger || isKept(token, value)) return null;
  return `holds the number ${shown(token)}, of which digits would be lost; write it as text`;
}

/** An integer that reads the same when it is written again, or is exactly what a float64 holds. */
function isKept(token: string, value: number): boolean {
  return Number.isSafeInteger(value) || String(value) === token || BigInt(value) === BigInt(token);
}

function unescaped(token: string): string | undefined {
  try {
    return JSON.parse(token) as string;
  } catch {
    return undefined;
  }
}

function shown(text: string): string {
  return text.length <= CHARS_SHOWN ? text : `${text.slice(0, CHARS_SHOWN)}…`;
}

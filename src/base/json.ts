/** Where a string of a JSON text ends: behind its closing quote. `from`: behind the opening one. */
export function jsonStringEnd(text: string, from: number): number {
  for (let end = text.indexOf('"', from); end !== -1; end = text.indexOf('"', end + 1)) {
    let start = end;
    while (start > from && text.charCodeAt(start - 1) === BACKSLASH) start -= 1;
    if ((end - start) % 2 === 0) return end + 1;
  }
  return text.length;
}

/**
 * `JSON.parse` for texts whose keys anybody may choose. V8 reads a key with an escape as another one, `"\n"` as `"\\"`,
 * once it has seen that other one in a like object (nodejs/node#63785): such texts are read here. As deep as the stack.
 */
export function parseJson(text: string): unknown {
  const value = JSON.parse(text) as unknown;
  return hasEscapedKey(text) ? new JsonReader(text).value() : value;
}

/** The same JSON, whatever the order of the keys of maps: stores may give them back in another. */
export function isSameJson(one: unknown, other: unknown): boolean {
  return one === other || JSON.stringify(sorted(one)) === JSON.stringify(sorted(other));
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}

const BACKSLASH = 0x5c;
const COLON = 0x3a;

function hasEscapedKey(text: string): boolean {
  if (!text.includes('\\')) return false;
  for (let start = text.indexOf('"'); start !== -1; ) {
    const end = jsonStringEnd(text, start + 1);
    if (text.charCodeAt(skipSpace(text, end)) === COLON && text.slice(start, end).includes('\\')) return true;
    start = text.indexOf('"', end);
  }
  return false;
}

function skipSpace(text: string, from: number): number {
  let at = from;
  while (text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}

/** Reads a text that is known to be JSON; strings, numbers and names it leaves to `JSON.parse`. */
class JsonReader {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  value(): unknown {
    const start = (this.#at = skipSpace(this.#text, this.#at));
    const first = this.#text.charAt(start);
    if (first === '{') return this.#map();
    if (first === '[') return this.#list();
    if (first === '"') return this.#string();
    while (this.#at < this.#text.length && !/[\s,\]}]/.test(this.#text.charAt(this.#at))) this.#at += 1;
    return JSON.parse(this.#text.slice(start, this.#at));
  }

  #map(): unknown {
    const entries: [string, unknown][] = [];
    this.#at += 1;
    while (this.#skipTo('}')) {
      const key = this.#string();
      this.#at = skipSpace(this.#text, this.#at) + 1;
      entries.push([key, this.value()]);
    }
    return Object.fromEntries(entries);
  }

  #list(): unknown[] {
    const items: unknown[] = [];
    this.#at += 1;
    while (this.#skipTo(']')) items.push(this.value());
    return items;
  }

  /** Over a comma to what comes next; false: over the closing bracket, and the container is over. */
  #skipTo(closing: ']' | '}'): boolean {
    this.#at = skipSpace(this.#text, this.#at);
    const isClosed = this.#text.charAt(this.#at) === closing;
    if (isClosed || this.#text.charAt(this.#at) === ',') this.#at = skipSpace(this.#text, this.#at + 1);
    return !isClosed;
  }

  #string(): string {
    const start = this.#at;
    this.#at = jsonStringEnd(this.#text, start + 1);
    return JSON.parse(this.#text.slice(start, this.#at)) as string;
  }
}

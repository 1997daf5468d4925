// Where the values of a JSON text stand, so that one of them can be exchanged and all else stays as it came, byte for byte. The
// text has been parsed before: nothing is checked here.

/** From its first character to behind its last. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Values of the object that begins at `at`, by name; of a name that stands twice the last one, as a parser takes it. */
export function memberSpans(text: string, at: number): Map<string, Span> {
  const members = new Map<string, Span>();
  let place = skipBlanks(text, at + 1);
  while (text[place] === '"') {
    const name = text.slice(place, skipString(text, place));
    const from = skipBlanks(text, skipBlanks(text, place + name.length) + 1);
    const to = skipValue(text, from);
    members.set(JSON.parse(name) as string, { from, to });
    place = skipBlanks(text, to);
    if (text[place] === ',') place = skipBlanks(text, place + 1);
  }
  return members;
}

/** Items of the list that begins at `at`. */
export function itemSpans(text: string, at: number): Span[] {
  const items: Span[] = [];
  let place = skipBlanks(text, at + 1);
  while (place < text.length && text[place] !== ']') {
    const to = skipValue(text, place);
    items.push({ from: place, to });
    place = skipBlanks(text, to);
    if (text[place] === ',') place = skipBlanks(text, place + 1);
  }
  return items;
}

/** The text with others in the place of some spans, which do not overlap. */
export function replaceSpans(text: string, changes: readonly (Span & { readonly by: string })[]): string {
  // Pieces of a long text are strung together, and copied once, when it is sent.
  let changed = '';
  let place = 0;
  for (const { from, to, by } of changes.toSorted((one, other) => one.from - other.from)) {
    changed += text.slice(place, from) + by;
    place = to;
  }
  return changed + text.slice(place);
}

/** Where the text's own value begins. */
export function valueStart(text: string): number {
  return skipBlanks(text, 0);
}

function skipValue(text: string, at: number): number {
  const first = text[at];
  if (first === '"') return skipString(text, at);
  if (first !== '{' && first !== '[') return skipWord(text, at);
  let depth = 0;
  for (let place = at; place < text.length; place++) {
    const unit = text.charCodeAt(place);
    if (unit === QUOTE) place = skipString(text, place) - 1;
    else if (unit === BRACE_OPEN || unit === BRACKET_OPEN) depth++;
    else if ((unit === BRACE_CLOSE || unit === BRACKET_CLOSE) && --depth === 0) return place + 1;
  }
  return text.length;
}

const QUOTE = 0x22;
const BRACE_OPEN = 0x7b;
const BRACE_CLOSE = 0x7d;
const BRACKET_OPEN = 0x5b;
const BRACKET_CLOSE = 0x5d;

/** Long strings, such as pictures, are searched for their end, not walked through. */
function skipString(text: string, at: number): number {
  let end = at;
  for (;;) {
    end = text.indexOf('"', end + 1);
    if (end < 0) return text.length;
    let slashes = 0;
    while (text[end - 1 - slashes] === '\\') slashes++;
    if (slashes % 2 === 0) return end + 1;
  }
}

function skipWord(text: string, at: number): number {
  let place = at;
  while (place < text.length && !',]} \t\r\n'.includes(text[place] as string)) place++;
  return place;
}

function skipBlanks(text: string, at: number): number {
  let place = at;
  while (' \t\r\n'.includes(text[place] ?? 'x')) place++;
  return place;
}

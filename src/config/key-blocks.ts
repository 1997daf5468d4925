// Changes of [[keys]] in the text of a TOML file: line by line, so that what an operator wrote around them stays as it is.

import { isDeepStrictEqual } from 'node:util';
import { parse } from 'smol-toml';

/** One entry of `keys`, under the names of files, unexpanded: `"${AGENT_SECRET}"` is still that. */
export type KeyEntry = Readonly<Record<string, unknown>>;

interface Line {
  /** With its end. */
  readonly text: string;
  /** Where its comment begins; -1: it has none. */
  readonly comment: number;
  /** It goes on with a value of the line before. */
  readonly isContinued: boolean;
}

/** Lines from the header up to the next one of another table. */
interface Block {
  readonly from: number;
  readonly to: number;
}

const HEADER = /^\s*\[\[\s*(keys|"keys"|'keys')\s*\]\]/;
const BELOW = /^\s*\[{1,2}\s*(keys|"keys"|'keys')\s*\./;
const DISABLED = /^(\s*disabled\s*=\s*)false\b/;

/** What the file says of keys; throws where it is no TOML. */
export function keyEntries(text: string): readonly KeyEntry[] {
  const { keys } = parse(text);
  return Array.isArray(keys) ? (keys as unknown as KeyEntry[]) : [];
}

/** The text with another entry behind all others; null: it has a form that nothing can be added to. */
export function withEntry(text: string, entry: KeyEntry, comment?: string): string | null {
  const end = endOf(text);
  const lines = [
    ...(comment === undefined ? [] : [`# ${comment}`]),
    '[[keys]]',
    ...Object.entries(entry).map(([name, value]) => `${name} = ${tomlOf(value)}`),
  ];
  const before = text === '' || text.endsWith('\n') ? text : text + end;
  const gap = before === '' ? '' : end;
  return checked(text, `${before}${gap}${lines.join(end)}${end}`, (entries) => [...entries, entry]);
}

/** The text with these entries switched off; null: it has a form that cannot be changed line by line. */
export function withDisabled(text: string, places: readonly number[]): string | null {
  const lines = linesOf(text);
  const blocks = blocksOf(lines);
  const changed = lines.map((line) => line.text);
  for (const place of places) {
    const block = blocks[place];
    if (block === undefined) return null;
    const at = lines.findIndex(
      (line, number) => number > block.from && number < block.to && !line.isContinued && DISABLED.test(line.text),
    );
    if (at !== -1) changed[at] = lines[at]!.text.replace(DISABLED, '$1true');
    else changed[block.from] = `${ended(lines[block.from]!.text, text)}disabled = true${endOf(text)}`;
  }
  return checked(text, changed.join(''), (entries) =>
    entries.map((entry, place) => (places.includes(place) ? { ...entry, disabled: true } : entry)),
  );
}

/** The text without an entry, whose comments stay; null: it has a form that cannot be changed line by line. */
export function withoutEntry(text: string, place: number): string | null {
  const lines = linesOf(text);
  const block = blocksOf(lines)[place];
  if (block === undefined) return null;
  const changed = lines.flatMap((line, number) => {
    if (number < block.from || number >= block.to || line.text.trim() === '') return [line.text];
    return line.comment === -1 ? [] : [line.text.slice(line.comment)];
  });
  return checked(text, changed.join(''), (entries) => entries.filter((_, at) => at !== place));
}

/** What was written is read again: nothing else may have changed, and all of the change must be there. */
function checked(
  before: string,
  after: string,
  change: (entries: readonly KeyEntry[]) => readonly KeyEntry[],
): string | null {
  try {
    const expected = { ...parse(before), keys: change(keyEntries(before)) };
    return isDeepStrictEqual(plain(parse(after)), plain(expected)) ? after : null;
  } catch {
    return null;
  }
}

function plain(tree: unknown): unknown {
  return JSON.parse(JSON.stringify(tree));
}

function blocksOf(lines: readonly Line[]): Block[] {
  const isHead = (at: number): boolean => !lines[at]!.isContinued && /^\s*\[/.test(lines[at]!.text);
  const heads = lines.flatMap((_, at) => (isHead(at) && !BELOW.test(lines[at]!.text) ? [at] : []));
  return heads.flatMap((from, place) =>
    HEADER.test(lines[from]!.text) ? [{ from, to: heads[place + 1] ?? lines.length }] : [],
  );
}

/** Strings and lists may go on over several lines, and hold what looks like a header or a comment. */
function linesOf(text: string): Line[] {
  const lines: Line[] = [];
  let quote = '';
  let depth = 0;
  for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) {
    const isContinued = quote !== '' || depth > 0;
    let comment = -1;
    for (let at = 0; at < line.length && comment === -1; at++) {
      const char = line[at] ?? '';
      if (quote !== '') {
        if (char === '\\' && quote.startsWith('"')) at += 1;
        else if (line.startsWith(quote, at)) {
          at += quote.length - 1;
          quote = '';
        }
      } else if (char === '"' || char === "'") {
        quote = line.startsWith(char.repeat(3), at) ? char.repeat(3) : char;
        at += quote.length - 1;
      } else if (char === '#') comment = at;
      else if (char === '[' || char === '{') depth += 1;
      else if (char === ']' || char === '}') depth -= 1;
    }
    // A string of one quote ends with its line.
    if (quote.length === 1) quote = '';
    lines.push({ text: line, comment, isContinued });
  }
  return lines;
}

function endOf(text: string): string {
  return text.includes('\r\n') ? '\r\n' : '\n';
}

function ended(line: string, text: string): string {
  return line.endsWith('\n') ? line : line + endOf(text);
}

/** A value of an entry as TOML writes it. */
function tomlOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(tomlOf).join(', ')}]`;
  if (value instanceof Date) return value.toISOString();
  if (typeof value === 'object' && value !== null) {
    const inside = Object.entries(value).map(([name, child]) => `${name} = ${tomlOf(child)}`);
    return `{ ${inside.join(', ')} }`;
  }
  return JSON.stringify(value);
}

import { oneLine } from '../../base/control-characters.ts';
import { analyze, textLanguages } from '../../base/text/analyzer.ts';
import { displayWidth, graphemesOf } from './render.ts';

/** Lines of at most so many columns, broken between words, and within those that are longer than a line. */
export function wrap(text: string, columns: number): string[] {
  return text.split('\n').flatMap((paragraph) => wrapParagraph(oneLine(paragraph), columns));
}

function wrapParagraph(text: string, columns: number): string[] {
  const lines: string[] = [];
  let line = '';
  let used = 0;
  for (const word of text.split(' ')) {
    const width = displayWidth(word);
    if (used > 0 && used + 1 + width <= columns) {
      line += ` ${word}`;
      used += 1 + width;
      continue;
    }
    if (used > 0) lines.push(line);
    const parts = width <= columns ? [word] : broken(word, columns);
    lines.push(...parts.slice(0, -1));
    line = parts.at(-1) ?? '';
    used = displayWidth(line);
  }
  if (used > 0) lines.push(line);
  return lines;
}

function broken(word: string, columns: number): string[] {
  const parts: string[] = [];
  let part = '';
  let used = 0;
  for (const { segment, width } of graphemesOf(word)) {
    if (used > 0 && used + width > columns) {
      parts.push(part);
      part = '';
      used = 0;
    }
    part += segment;
    used += width;
  }
  return [...parts, part];
}

const ELLIPSIS = '…';

/** Of many lines so many, those around most of the terms, in their order; what was left out stands as an ellipsis. */
export function excerpt(lines: readonly string[], linesMax: number, terms: ReadonlySet<string>): readonly string[] {
  if (lines.length <= linesMax) return lines;
  const start = richestStart(lines, linesMax, terms);
  const end = start + linesMax;
  return [...(start > 0 ? [ELLIPSIS] : []), ...lines.slice(start, end), ...(end < lines.length ? [ELLIPSIS] : [])];
}

/** Where the window begins that holds most of the terms, each counted once; with lines before and after the first of several. */
function richestStart(lines: readonly string[], linesMax: number, terms: ReadonlySet<string>): number {
  const found = lines.map((line) => new Set(analyze(line).filter((term) => terms.has(term))));
  const held = new Map<string, number>();
  let best = { start: 0, terms: 0 };
  for (const [place, entering] of found.entries()) {
    for (const term of entering) held.set(term, (held.get(term) ?? 0) + 1);
    for (const term of found[place - linesMax] ?? []) {
      const left = (held.get(term) ?? 0) - 1;
      if (left > 0) held.set(term, left);
      else held.delete(term);
    }
    if (held.size > best.terms) best = { start: Math.max(0, place - linesMax + 1), terms: held.size };
  }
  if (best.terms === 0) return 0;
  let idle = 0;
  while (found[best.start + idle]?.size === 0) idle += 1;
  return Math.min(best.start + Math.floor(idle / 2), lines.length - linesMax);
}

const WORD = /[\p{L}\p{M}\p{N}]+/gu;

/** The words of a line that say what the terms say. */
export function markTerms(line: string, terms: ReadonlySet<string>, mark: (word: string) => string): string {
  const languages = textLanguages(line);
  const isSought = (word: string): boolean => analyze(word, languages).some((term) => terms.has(term));
  return line.replaceAll(WORD, (word) => (isSought(word) ? mark(word) : word));
}

import { graphemesIn } from '../../base/text/graphemes.ts';

/** East Asian wide characters and emoji take two columns of a terminal. */
const WIDE =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\u3000-\u303f\uff01-\uff60]/u;

const PRINTABLE_ASCII = /^[ -~]*$/;

/** What a reader takes for one character each, with the columns that it takes in a terminal. */
export function* graphemesOf(text: string): Generator<{ readonly segment: string; readonly width: number }> {
  for (const { segment } of graphemesIn(text)) yield { segment, width: WIDE.test(segment) ? 2 : 1 };
}

/** Columns that a text takes in a terminal. */
export function displayWidth(text: string): number {
  if (PRINTABLE_ASCII.test(text)) return text.length;
  let width = 0;
  for (const grapheme of graphemesOf(text)) width += grapheme.width;
  return width;
}

/** As much of a text as fits into so many columns, with an ellipsis where it was cut. */
export function clip(text: string, columns: number): string {
  if (text.length <= columns && displayWidth(text) <= columns) return text;
  let clipped = '';
  let width = 0;
  for (const grapheme of graphemesOf(text)) {
    width += grapheme.width;
    if (width > columns - 1) break;
    clipped += grapheme.segment;
  }
  return `${clipped}…`;
}

const CELL_GAP = '  ';
const LAST_CELL_COLUMNS_MIN = 20;

/** Rows with aligned cells; the last cell of each is clipped to the terminal, where there is one. */
export function renderRows(rows: readonly (readonly string[])[], terminalColumns?: number): string {
  const widths: number[] = [];
  for (const row of rows) {
    row.slice(0, -1).forEach((cell, place) => (widths[place] = Math.max(widths[place] ?? 0, displayWidth(cell))));
  }
  const used = widths.reduce((sum, width) => sum + width + CELL_GAP.length, 0);
  const left = terminalColumns === undefined ? Infinity : Math.max(LAST_CELL_COLUMNS_MIN, terminalColumns - used);
  const line = (row: readonly string[]): string => {
    const cells = row.slice(0, -1).map((cell, place) => cell + ' '.repeat((widths[place] ?? 0) - displayWidth(cell)));
    return [...cells, clip(row.at(-1) ?? '', left)].join(CELL_GAP).trimEnd();
  };
  return rows.map((row) => `${line(row)}\n`).join('');
}

const EIGHTHS = ' ▏▎▍▌▋▊▉';

/** A share from 0 to 1 as a bar of so many columns, with blanks behind it. */
export function bar(share: number, columns: number): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * columns * 8);
  const rest = eighths % 8;
  return `${'█'.repeat((eighths - rest) / 8)}${rest === 0 ? '' : (EIGHTHS[rest] ?? '')}`.padEnd(columns);
}

/** `2025-09-03 09:12`, in UTC. */
export function formatTime(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 16).replace('T', ' ');
}

/** `3 d 4 h`, `12 min 5 s`: the two largest units. */
export function formatDuration(durationMs: number): string {
  const units: [string, number][] = [
    ['d', 86_400_000],
    ['h', 3_600_000],
    ['min', 60_000],
    ['s', 1000],
  ];
  const parts: string[] = [];
  let rest = durationMs;
  for (const [unit, size] of units) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0) parts.push(`${count} ${unit}`);
  }
  return parts.slice(0, 2).join(' ') || `${Math.round(durationMs)} ms`;
}

export function countOf(count: number, noun: string): string {
  return `${count.toLocaleString('en')} ${noun}${count === 1 ? '' : 's'}`;
}

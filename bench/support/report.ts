import { REASONS } from './reasons.ts';

/** One line of the result: what was measured, beside its floor and its target. */
export interface Row {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly floor: number | null;
  /** `value` against `floor`. */
  readonly ratio: number | null;
  /** Of the ratio where there is one, else of the value. */
  readonly target: number | null;
  readonly met: boolean | null;
  /** Which side of the target is good. */
  readonly better: 'higher' | 'lower';
  readonly details: RowDetails;
}

/** What the table shows beside the value, where it was measured. */
export interface RowDetails {
  readonly throughputPerSec?: number;
  readonly p50Ms?: number;
  readonly p99Ms?: number;
  readonly p999Ms?: number;
  readonly rssMib?: number;
  /** Of the server's process; 100 is one core. */
  readonly cpuPercent?: number;
}

export interface RowInput {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly better: 'higher' | 'lower';
  readonly floor?: number;
  /** Default: value / floor. */
  readonly ratio?: number;
  readonly target?: number;
  readonly details?: RowDetails;
}

export function row(input: RowInput): Row {
  const floor = input.floor ?? null;
  const ratio = input.ratio ?? (floor === null ? null : input.value / floor);
  const target = input.target ?? null;
  return {
    name: input.name,
    value: input.value,
    unit: input.unit,
    floor,
    ratio,
    target,
    met: target === null ? null : meets(ratio ?? input.value, target, input.better),
    better: input.better,
    details: input.details ?? {},
  };
}

function meets(measured: number, target: number, better: 'higher' | 'lower'): boolean {
  return better === 'higher' ? measured >= target : measured <= target;
}

/** Why a missed target was missed, as profiling found it; empty where it was met. */
export function whyMissed(result: Row): string {
  if (result.met !== false) return '';
  const bare = result.name.replace(/ \[.*\]$/, '');
  return REASONS[bare] ?? 'not profiled yet';
}

export function toJson(rows: readonly Row[]): string {
  const plain = rows.map(({ name, value, unit, floor, ratio, target, met }) => ({
    name,
    value: rounded(value),
    unit,
    floor: rounded(floor),
    ratio: rounded(ratio),
    target,
    met,
  }));
  return JSON.stringify(plain, null, 2);
}

const HEADINGS = [
  'name',
  'value',
  'unit',
  'per s',
  'p50 ms',
  'p99 ms',
  'p99.9 ms',
  'RSS MiB',
  'CPU %',
  'floor',
  'ratio',
  'target',
  'met',
  'why',
];

/** A table in GitHub's Markdown, so that a page of the documentation shows what the terminal showed. */
export function toTable(rows: readonly Row[]): string {
  const lines = [HEADINGS, ...rows.map(cells)];
  const widths = HEADINGS.map((heading, column) =>
    column === HEADINGS.length - 1 ? heading.length : Math.max(3, ...lines.map((line) => line[column]?.length ?? 0)),
  );
  const print = (line: readonly string[]): string =>
    `| ${line.map((cell, column) => pad(cell, widths[column] ?? 0, column)).join(' | ')} |`;
  const rule = `|${widths.map((width, column) => (isText(column) ? `${'-'.repeat(width + 2)}` : `${'-'.repeat(width + 1)}:`)).join('|')}|`;
  return [print(HEADINGS), rule, ...lines.slice(1).map(print)].join('\n');
}

function cells(result: Row): string[] {
  const { details } = result;
  const sign = result.better === 'higher' ? '>=' : '<=';
  return [
    result.name,
    readable(result.value),
    result.unit,
    readable(details.throughputPerSec),
    readable(details.p50Ms),
    readable(details.p99Ms),
    readable(details.p999Ms),
    readable(details.rssMib),
    details.cpuPercent === undefined ? '' : details.cpuPercent.toFixed(0),
    readable(result.floor),
    result.ratio === null ? '' : result.ratio.toFixed(2),
    result.target === null ? '' : `${sign} ${result.target}`,
    result.met === null ? '' : result.met ? 'yes' : 'NO',
    whyMissed(result),
  ];
}

function isText(column: number): boolean {
  return column === 0 || column === 2 || column >= 12;
}

function pad(cell: string, width: number, column: number): string {
  // A reason is a sentence: padded, it would widen every line.
  if (column === HEADINGS.length - 1) return cell;
  return isText(column) ? cell.padEnd(width) : cell.padStart(width);
}

/** Three significant digits, more for large numbers. */
function readable(value: number | null | undefined): string {
  if (value === null || value === undefined) return '';
  if (!Number.isFinite(value)) return '-';
  if (Math.abs(value) >= 100) return Math.round(value).toLocaleString('en-US');
  return Number(value.toPrecision(3)).toString();
}

function rounded(value: number | null): number | null {
  if (value === null || !Number.isFinite(value)) return null;
  return Number(value.toPrecision(6));
}

const WHOLE = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
const UNKNOWN = '–';

export function count(value: number | null | undefined): string {
  return typeof value === 'number' ? WHOLE.format(value) : UNKNOWN;
}

/** With as many digits as say something: 0.34, 5.2, 1,204. */
export function rate(value: number | null | undefined): string {
  if (typeof value !== 'number') return UNKNOWN;
  if (value === 0) return '0';
  return value < 1 ? value.toFixed(2) : value < 100 ? value.toFixed(1) : WHOLE.format(value);
}

/** Two or three digits that say something, with the unit. */
export function milliseconds(value: number | null | undefined): string {
  if (typeof value !== 'number') return UNKNOWN;
  if (value >= 60_000) return duration(value);
  if (value >= 1_000) return `${(value / 1_000).toFixed(value < 10_000 ? 2 : 1)} s`;
  return `${value >= 100 ? value.toFixed(0) : value >= 10 ? value.toFixed(1) : value.toFixed(2)} ms`;
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];

export function bytes(value: number | null | undefined): string {
  if (typeof value !== 'number') return UNKNOWN;
  let amount = value;
  let unit = 0;
  while (amount >= 1024 && unit < UNITS.length - 1) {
    amount /= 1024;
    unit++;
  }
  return `${unit === 0 || amount >= 100 ? amount.toFixed(0) : amount.toFixed(1)} ${UNITS[unit] ?? ''}`;
}

export function percent(share: number | null | undefined): string {
  if (typeof share !== 'number') return UNKNOWN;
  const value = share * 100;
  if (value > 0 && value < 0.1) return '< 0.1 %';
  return `${value > 0 && value < 10 ? value.toFixed(1) : value.toFixed(0)} %`;
}

/** A score or a part of one, 0..1. */
export function score(value: number): string {
  return value.toFixed(3);
}

/** With its sign, as differences are read. */
export function signed(value: number): string {
  const text = Math.abs(value).toFixed(3);
  return text === '0.000' ? '±0.000' : `${value < 0 ? '−' : '+'}${text}`;
}

/** The same of whole numbers. */
export function signedCount(value: number): string {
  return `${value < 0 ? '−' : value > 0 ? '+' : '±'}${count(Math.abs(value))}`;
}

const STEPS: readonly (readonly [number, string])[] = [
  [86_400_000, 'd'],
  [3_600_000, 'h'],
  [60_000, 'min'],
  [1_000, 's'],
];

/** The two largest units: `3 d 4 h`, `12 min`, `850 ms`. */
export function duration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)} ms`;
  const parts: string[] = [];
  let left = ms;
  for (const [size, unit] of STEPS) {
    const amount = Math.floor(left / size);
    left -= amount * size;
    if (amount > 0) parts.push(`${amount} ${unit}`);
    else if (parts.length > 0) break;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

export function plural(amount: number, one: string, many = `${one}s`): string {
  return `${count(amount)} ${amount === 1 ? one : many}`;
}

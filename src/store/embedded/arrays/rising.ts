// Places in numbers that rise about evenly, as those that are given out one after another: looked for from where a number
// would stand if none were missing, and not from the middle of all.

const STEP_GROWTH = 4;

/** Place of `value` among the first `length` of `numbers`, which rise and differ; -1 where it is none of them. */
export function placeIn(numbers: Float64Array, length: number, value: number): number {
  if (length === 0) return -1;
  const first = numbers[0] as number;
  const last = numbers[length - 1] as number;
  if (!(value >= first && value <= last)) return -1;
  const guess = first === last ? 0 : Math.round(((value - first) / (last - first)) * (length - 1));
  // It stands from `low` on and before `high`.
  let low = guess;
  let high = guess + 1;
  for (let step = 1; low > 0 && (numbers[low] as number) > value; step *= STEP_GROWTH) {
    high = low;
    low = Math.max(0, low - step);
  }
  for (let step = 1; high < length && (numbers[high] as number) <= value; step *= STEP_GROWTH) {
    low = high;
    high = Math.min(length, high + step);
  }
  while (high - low > 1) {
    const middle = (low + high) >>> 1;
    if ((numbers[middle] as number) <= value) low = middle;
    else high = middle;
  }
  return numbers[low] === value ? low : -1;
}

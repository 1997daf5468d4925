import type { Position } from '../driver.ts';

/** Below zero: `a` stands before `b` in an order that both are places of. */
export function comparePositions(a: Position, b: Position): number {
  for (const [i, value] of a.entries()) {
    const other = b[i] ?? 0;
    if (value !== other) return value < other ? -1 : 1;
  }
  return 0;
}

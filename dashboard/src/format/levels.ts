import type { Level } from '../../../src/protocol/messages.generated.ts';

export const LEVELS: readonly Level[] = ['immediate', 'short_term', 'long_term'];

export const LEVEL_NAMES: Readonly<Record<string, { readonly short: string; readonly name: string }>> = {
  immediate: { short: 'L1', name: 'immediate' },
  short_term: { short: 'L2', name: 'short-term' },
  long_term: { short: 'L3', name: 'long-term' },
};

export function levelName(level: string): string {
  const known = LEVEL_NAMES[level];
  return known === undefined ? level : `${known.short} ${known.name}`;
}

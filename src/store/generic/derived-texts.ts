import { inTurns, type LoopTurns } from '../../base/loop-turns.ts';
import { countTermsInSlices, type TermCounts } from '../../base/text/analyzer.ts';
import type { Change } from '../store.ts';

/** So much text is analysed in some milliseconds. */
const AT_ONCE_CHARS = 16_384;

/**
 * What a driver keeps beside the texts that changes bring, made before they are applied, in slices between which others have their
 * turn. Where they have little text together there is nothing in it: it is as well made when it is needed.
 */
export async function derivedInTurns<T>(
  changes: readonly Bringing[],
  derive: (text: string, terms: TermCounts) => T,
  turns: LoopTurns,
): Promise<ReadonlyMap<string, T>> {
  const derived = new Map<string, T>();
  if (changes.reduce((chars, change) => chars + (textOf(change)?.length ?? 0), 0) <= AT_ONCE_CHARS) return derived;
  for (const change of changes) {
    const text = textOf(change);
    if (text === undefined || derived.has(text)) continue;
    derived.set(text, derive(text, await inTurns(countTermsInSlices(text), turns)));
    await turns.nextForText(text.length);
  }
  return derived;
}

/** What brings a text, or may. */
type Bringing = Exclude<Change, { readonly op: 'delete' }> | { readonly op: 'delete' };

function textOf(change: Bringing): string | undefined {
  if (change.op === 'put' || change.op === 'transfer') return change.context.record.text;
  return change.op === 'update' ? change.patch.text?.text : undefined;
}

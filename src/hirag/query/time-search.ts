// Contexts of the time that a question names, whether or not they have a word of it: "What did I do on 7 May?" has none that was
// said that day.

import type { AskedTime } from '../../base/text/asked-time.ts';
import type { SearchRequest } from '../../store/store.ts';

/** One for what was created in that time, and one for what may tell of it from a day near it, each as bounded as the question's own. */
export function searchesOfTime({ spans, around }: AskedTime, { texts: _, ...request }: SearchRequest): SearchRequest[] {
  return [spans, around]
    .filter((some) => some.length > 0)
    .map((createdWithin) => ({ ...request, createdWithin, denseSamples: 0, neighbours: 0 }));
}

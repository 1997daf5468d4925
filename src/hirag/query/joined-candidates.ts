import { CandidateColumns, DIRECT_FLAG, NOBODY, type Candidates } from '../../store/candidates.ts';

/**
 * Candidates of several answers as one. Each context once, though it may have been found in two (it moved meanwhile, or
 * stands beside a hit of another level): as a hit rather than as a neighbour, with what either knows of its place in
 * the session.
 */
export function joinCandidates(parts: readonly Candidates[], termCount: number): Candidates {
  const found = parts.filter(({ columns }) => columns.count > 0);
  const [only] = found;
  if (only !== undefined && found.length === 1) return only;
  const join = new Join();
  const targets = found.map((part) => join.take(part));
  const columns = new CandidateColumns(join.count, termCount);
  columns.previous.fill(NOBODY);
  columns.next.fill(NOBODY);
  found.forEach((part, i) => join.copy(part, targets[i] as Int32Array, columns));
  return { columns, ids: join.ids };
}

class Join {
  /** Of all candidates, and behind them of contexts that are only somebody's neighbours. */
  readonly ids: string[] = [];
  /** Candidates so far. */
  count = 0;
  readonly #places = new Map<string, number>();
  readonly #copied = new Set<number>();

  /** The place of each of the part's candidates among all. */
  take({ columns, ids }: Candidates): Int32Array {
    const targets = new Int32Array(columns.count);
    for (let place = 0; place < columns.count; place++) targets[place] = this.#placeOf(ids.at(place) as string);
    this.count = this.ids.length;
    return targets;
  }

  copy({ columns, ids }: Candidates, targets: Int32Array, joined: CandidateColumns): void {
    const linked = (place: number): number => {
      if (place === NOBODY) return NOBODY;
      return place < columns.count ? (targets[place] as number) : this.#placeOf(ids.at(place) as string);
    };
    targets.forEach((to, from) => {
      if (joined.previous[to] === NOBODY) joined.previous[to] = linked(columns.previous[from] as number);
      if (joined.next[to] === NOBODY) joined.next[to] = linked(columns.next[from] as number);
      const isHit = ((columns.flags[from] as number) & DIRECT_FLAG) !== 0;
      const wasHit = ((joined.flags[to] as number) & DIRECT_FLAG) !== 0;
      if (this.#copied.has(to) && (wasHit || !isHit)) return;
      this.#copied.add(to);
      joined.copy(to, columns, from);
    });
  }

  #placeOf(id: string): number {
    let place = this.#places.get(id);
    if (place === undefined) this.#places.set(id, (place = this.ids.push(id) - 1));
    return place;
  }
}

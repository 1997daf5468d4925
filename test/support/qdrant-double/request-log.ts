/** What the double was asked, as `METHOD /path` without the query. */
export class RequestLog {
  #labels: string[] = [];
  #queries: string[] = [];

  /** `query`: what stands behind the path. */
  add(label: string, query: string): void {
    this.#labels.push(label);
    this.#queries.push(query);
  }

  /** Of the requests that have one, in the order in which they came. */
  get queries(): readonly string[] {
    return this.#queries.filter(Boolean);
  }

  /** In the order in which they came. */
  get labels(): readonly string[] {
    return this.#labels;
  }

  /** Those that have `part` in them; absent: all. */
  count(part: string | RegExp = ''): number {
    return this.#labels.filter((label) => (typeof part === 'string' ? label.includes(part) : part.test(label))).length;
  }

  /** How often each came. */
  byLabel(): Readonly<Record<string, number>> {
    const counts: Record<string, number> = {};
    for (const label of this.#labels) counts[label] = (counts[label] ?? 0) + 1;
    return counts;
  }

  reset(): void {
    this.#labels = [];
    this.#queries = [];
  }
}

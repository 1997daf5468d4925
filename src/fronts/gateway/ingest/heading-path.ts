const HEADING_UNITS_MAX = 200;

/** The headings above a place in a document. */
export class HeadingPath {
  #above: readonly { readonly depth: number; readonly text: string }[] = [];

  get headings(): readonly string[] {
    return this.#above.map(({ text }) => text);
  }

  /** A heading of that depth (1 is the highest) ends those of its own depth and below. */
  enter(depth: number, heading: string): void {
    const text = oneLine(heading);
    this.#above = this.#above.filter((each) => each.depth < depth);
    if (text !== '') this.#above = [...this.#above, { depth, text }];
  }
}

/** With single blanks, and no longer than a heading is kept. */
export function oneLine(text: string): string {
  return text.split(/\s/).filter(Boolean).join(' ').slice(0, HEADING_UNITS_MAX).toWellFormed();
}

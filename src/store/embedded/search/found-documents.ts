// The documents that one search has found, numbered in the order in which they came.

const UNFOUND = 0;
/** Of what `Neighbours` has not looked for. */
export const UNKNOWN = -2;

/** Place + 1 of each document that was found; shared by every search of the thread: one runs at a time. */
let marks = new Uint32Array(0);

export class FoundDocuments {
  readonly ordinals: number[] = [];
  /** Found by one of the sides, rather than as a neighbour; at each place. */
  readonly direct: boolean[] = [];
  /** Cosines; NaN: not known yet, or no dense side. At each place. */
  readonly dense: number[] = [];
  /** Its place among its owner's members. At each place, as who stands before and after it: an ordinal, or `NOBODY`. */
  readonly memberPlaces: number[] = [];
  readonly before: number[] = [];
  readonly after: number[] = [];

  /** `documentCount`: ordinals lie below it. */
  constructor(documentCount: number) {
    if (marks.length < documentCount) marks = new Uint32Array(documentCount + (documentCount >> 1));
  }

  get count(): number {
    return this.ordinals.length;
  }

  /** -1 where it was not found. */
  placeOf(ordinal: number): number {
    return (marks[ordinal] as number) - 1;
  }

  /** Gives the place, a new one or the one it has. */
  add(ordinal: number, direct: boolean): number {
    const mark = marks[ordinal] as number;
    if (mark !== UNFOUND) {
      if (direct) this.direct[mark - 1] = true;
      return mark - 1;
    }
    this.direct.push(direct);
    this.dense.push(Number.NaN);
    this.memberPlaces.push(UNKNOWN);
    this.before.push(UNKNOWN);
    this.after.push(UNKNOWN);
    const place = this.ordinals.push(ordinal) - 1;
    marks[ordinal] = place + 1;
    return place;
  }

  /** To be called at the end of the search, however it ends. */
  release(): void {
    for (const ordinal of this.ordinals) marks[ordinal] = UNFOUND;
  }
}

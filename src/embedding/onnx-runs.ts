/** Of all texts of a run, each counted as the longest, to which all are padded: what layers hold grows with it. */
const RUN_TOKENS_MAX = 2048;
/** The same of their squares: what attention holds, for each head, grows with it. */
const RUN_SQUARES_MAX = 1024 * 1024;
/** So much of a text may be padding, and as much again as it has tokens. */
const PADDING_TOKENS = 32;

/**
 * Places of texts that go through the model together, shortest first, so that little is padding. A text that takes more by
 * itself goes alone; one without tokens goes nowhere.
 */
export function* runsOf(lengths: readonly number[]): Generator<readonly number[]> {
  const places = [...lengths.keys()].filter((place) => lengthAt(place) > 0);
  places.sort((a, b) => lengthAt(a) - lengthAt(b));
  let from = 0;
  for (const [at, place] of places.entries()) {
    const tokens = (at - from + 1) * lengthAt(place);
    const isFull = tokens > RUN_TOKENS_MAX || tokens * lengthAt(place) > RUN_SQUARES_MAX;
    const isMuchLonger = lengthAt(place) > 2 * lengthAt(places[from] ?? 0) + PADDING_TOKENS;
    if (at > from && (isFull || isMuchLonger)) {
      yield places.slice(from, at);
      from = at;
    }
  }
  if (from < places.length) yield places.slice(from);

  function lengthAt(place: number): number {
    return lengths[place] ?? 0;
  }
}

// Long texts in parts that are analysed one by one.

/** Characters analysed in one go: some milliseconds. No more than `findDates` looks at. */
export const SLICE_CHARS = 4_000;
/** How far from a slice's end a place to cut is looked for. */
const CUT_CHARS_MAX = 256;
/** Best first: behind a line or a sentence, behind whatever is part of no word. Lone surrogates are halves of letters. */
const CUTS = [/[\n.!?。！？]/u, /[^\p{L}\p{M}\p{N}\p{Cs}'’.,]/u];

/** `text` in parts that hold the same words. A run without a place to cut gives its last character to both parts. */
export function* slicesOf(text: string): Generator<string> {
  for (let start = 0; start < text.length; ) {
    const limit = start + SLICE_CHARS;
    if (limit >= text.length) {
      yield text.slice(start);
      return;
    }
    const cut = cutBefore(text, limit);
    const end = cut ?? limit - (isLowSurrogate(text, limit) ? 1 : 0);
    yield text.slice(start, end);
    // A run without a place to cut is most likely written without spaces: its words are pairs of characters.
    start = cut ?? end - (isLowSurrogate(text, end - 1) ? 2 : 1);
  }
}

function cutBefore(text: string, limit: number): number | undefined {
  for (const place of CUTS) {
    for (let end = limit; end > limit - CUT_CHARS_MAX; end--) if (place.test(text[end - 1] as string)) return end;
  }
  return undefined;
}

function isLowSurrogate(text: string, at: number): boolean {
  const unit = text.charCodeAt(at);
  return unit >= 0xdc00 && unit <= 0xdfff;
}

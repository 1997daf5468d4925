/**
 * What leaves a mark where it stands. Blank are white space, control characters, lone halves of surrogate pairs, and
 * what Unicode says to ignore where it is not supported (zero-width signs, fillers, joiners, tags, variation
 * selectors); besides, the empty Braille cell and the marks around annotations.
 */
const VISIBLE =
  /[^\p{White_Space}\p{Cc}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\ufff9-\ufffb]/u;

/** Nobody who reads the text sees anything. */
export function isBlank(text: string): boolean {
  return !VISIBLE.test(text);
}

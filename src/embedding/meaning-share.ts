/** What the side of meanings counts of a text all of whose words are known: that of spellings still tells names and numbers apart. */
export const MEANING_SHARE = 0.85;
/** Numbers of that side, which stand behind the others: those of the table's vectors. */
const MEANING_NUMBERS = 128;

/** How much of a `blended` vector compares meanings, 0..1 of what it does at most: little where few words are known. */
export function meaningShareOf(vector: Float32Array): number {
  let sum = 0;
  for (let i = vector.length - Math.min(MEANING_NUMBERS, vector.length >> 1); i < vector.length; i++)
    sum += (vector[i] as number) ** 2;
  return Math.min(1, sum / MEANING_SHARE);
}

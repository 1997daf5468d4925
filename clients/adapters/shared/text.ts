/** The most that the server takes, in characters; a unit of UTF-16 is one at most. */
export const TEXT_CHARS_MAX = 262_144;

/** What the server takes as a text: something that shows, of bounded length; otherwise `instead`. */
export function storableText(text: string, instead: string): string {
  const cut = cutText(text, TEXT_CHARS_MAX);
  return shows(cut) ? cut : instead;
}

/** Whether there is more than white space and characters that nobody sees. */
export function shows(text: string): boolean {
  return /[^\p{White_Space}\p{Cc}\p{Cf}\p{Cs}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\ufff9-\ufffb]/u.test(
    text,
  );
}

/** At most so many units, cut between characters, and without halves of surrogate pairs. */
export function cutText(text: string, unitsMax: number): string {
  return text
    .slice(0, unitsMax)
    .replace(/[\uD800-\uDBFF]$/, '')
    .toWellFormed();
}

/** The code of an error of the client, whichever copy of it threw. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

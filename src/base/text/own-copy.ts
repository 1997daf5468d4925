/** From this length on V8 keeps a part of a string as a view that holds all of the text in memory. */
export const VIEW_CHARS_MIN = 13;

/** The same characters in memory of their own: for parts of texts that outlive the text. */
export function ownCopy(part: string): string {
  return part.length < VIEW_CHARS_MIN ? part : part.split('').join('');
}

/** Characters that draw nothing or turn the order of what stands around them: shown as what they are. */
// eslint-disable-next-line no-control-regex -- these are what it is about
const UNSEEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** The text with a visible stand-in for each of them. */
export function visible(text: string): string {
  return text.replace(UNSEEN, (character) => {
    return `⟨U+${character.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}⟩`;
  });
}

/** The first `charsMax` UTF-16 units, never half a character. */
export function cut(text: string, charsMax: number): string {
  if (text.length <= charsMax) return text;
  const last = text.charCodeAt(charsMax - 1);
  return text.slice(0, last >= 0xd800 && last < 0xdc00 ? charsMax - 1 : charsMax);
}

/** One line for a list. */
export function line(text: string, charsMax: number): string {
  return visible(cut(text, charsMax)).replace(/\s+/g, ' ');
}

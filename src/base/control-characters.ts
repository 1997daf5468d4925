/** What steers a terminal, ends a line or turns the direction of what follows: C0, C1, separators, bidirectional marks. */
const CONTROL = String.raw`\p{Cc}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069`;
const CONTROLS = new RegExp(`[${CONTROL}]`, 'gu');
const CONTROLS_AND_SPACES = new RegExp(`[${CONTROL}\\s]+`, 'gu');

/**
 * Each as JSON spells it, such as `\u001b`: what others sent is seen and does nothing. JSON of one line stays the same JSON,
 * as it holds such characters within its strings alone.
 */
export function escapeControls(text: string): string {
  return text.replaceAll(CONTROLS, spelled);
}

/** The same for several lines. */
export function escapeControlsInLines(text: string): string {
  return text.split('\n').map(escapeControls).join('\n');
}

/** One line without any of them, and with single blanks: a stored text must not steer what shows it. */
export function oneLine(text: string): string {
  return text.replaceAll(CONTROLS_AND_SPACES, ' ').trim();
}

function spelled(character: string): string {
  if (character === '\n') return '\\n';
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

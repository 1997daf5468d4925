/** A part of a longer text keeps all of it in memory: this is the part alone. Halves of characters become U+FFFD. */
export function copiedText(part: string): string {
  return Buffer.from(part).toString();
}

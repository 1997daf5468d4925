/** A text's words as a sparse vector: how often each is in it, by numbers made of the words. */
export function sparseOf(text: string): { indices: number[]; values: number[] } {
  const counts = new Map<number, number>();
  for (const [word] of text.toLowerCase().matchAll(/[\p{L}\p{N}]+/gu)) {
    const number = hashOf(word);
    counts.set(number, (counts.get(number) ?? 0) + 1);
  }
  return { indices: [...counts.keys()], values: [...counts.values()] };
}

/** FNV-1a over UTF-16 units, 32 bits. */
function hashOf(word: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at++) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Longer texts are seldom the same twice. */
const TEXT_BYTES_MAX = 32;

/**
 * The names of fields, and words like those of levels, come in every reply again: what was made of the same bytes before is
 * given out, which costs less than to make it anew and leaves less to be collected. The last two of those texts are kept
 * that share a place.
 */
export class ShortTexts {
  readonly #last: string[];
  readonly #before: string[];
  readonly #mask: number;

  /** `places` is a power of two. */
  constructor(places: number) {
    this.#last = new Array<string>(places).fill('');
    this.#before = new Array<string>(places).fill('');
    this.#mask = places - 1;
  }

  /** The text at `bytes[start, end)`; null where it is too long, or is not ASCII. */
  read(bytes: Buffer, start: number, end: number): string | null {
    const length = end - start;
    if (length > TEXT_BYTES_MAX) return null;
    let hash = length;
    let bits = 0;
    for (let at = start; at < end; at++) {
      const byte = bytes[at]!;
      bits |= byte;
      hash = (Math.imul(hash, 37) + byte) | 0;
    }
    if (bits >= 0x80) return null;
    const place = (hash ^ (hash >>> 11)) & this.#mask;
    const last = this.#last[place]!;
    if (isAt(bytes, start, length, last)) return last;
    const before = this.#before[place]!;
    if (isAt(bytes, start, length, before)) return before;
    this.#before[place] = last;
    return (this.#last[place] = bytes.toString('latin1', start, end));
  }
}

function isAt(bytes: Buffer, start: number, length: number, text: string): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[start + i]) return false;
  return true;
}

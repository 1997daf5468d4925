import type { BodyScanner } from './body-scan.ts';

/** Values one behind the other, from one offset of a body to another. */
export type Unpack = (from: number, to: number) => readonly unknown[];

/** A map or an array that is filled bit by bit. */
interface Part {
  readonly value: unknown[] | Record<string, unknown>;
  /** Everything before is in `value`. */
  from: number;
  /** Of a map: the key whose value is a part by itself. */
  key: string;
}

/**
 * The values of a body that is scanned in slices, made as it goes: at each pause what the slice has read is unpacked, into the
 * maps and arrays that the scan is still in. However it is nested, each byte is unpacked once.
 */
export class BodyParts {
  readonly #scanner: BodyScanner;
  readonly #unpack: Unpack;
  /** Of the containers that are open, outermost first. */
  readonly #parts: Part[] = [];

  constructor(scanner: BodyScanner, unpack: Unpack) {
    this.#scanner = scanner;
    this.#unpack = unpack;
  }

  /** To be called when a slice was read that is not the last. */
  pause(): void {
    const scanner = this.#scanner;
    this.#close();
    const parts = this.#parts;
    for (let level = parts.length; level < scanner.openCount; level++) {
      const { isMap, headAt, firstAt } = scanner.openAt(level);
      const outer = parts.at(-1);
      if (outer !== undefined) this.#fill(outer, headAt);
      parts.push({ value: isMap ? {} : [], from: firstAt, key: '' });
    }
    const inner = parts.at(-1);
    if (inner !== undefined) this.#fill(inner, scanner.at);
    scanner.pause();
  }

  /** The whole, when the last slice was read; undefined where it was the first, too. */
  finish(): unknown {
    return this.#close();
  }

  /** Finishes what the last slice came to the end of. */
  #close(): unknown {
    let whole: unknown;
    for (const end of this.#scanner.ends) {
      const part = this.#parts.pop()!;
      this.#fill(part, end);
      const outer = this.#parts.at(-1);
      if (outer === undefined) whole = part.value;
      else {
        if (Array.isArray(outer.value)) outer.value.push(part.value);
        else outer.value[outer.key] = part.value;
        outer.from = end;
      }
    }
    return whole;
  }

  /** Takes what stands before `end`; in a map the last key may stand there without its value. */
  #fill(part: Part, end: number): void {
    if (end === part.from) return;
    const items = this.#unpack(part.from, end);
    part.from = end;
    const { value } = part;
    if (Array.isArray(value)) {
      for (const item of items) value.push(item);
      return;
    }
    for (let i = 0; i + 1 < items.length; i += 2) value[items[i] as string] = items[i + 1];
    if (items.length % 2 === 1) part.key = items.at(-1) as string;
  }
}

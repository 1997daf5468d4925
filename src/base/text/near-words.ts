// English words that mean about the same: a question about a doctor finds what is said of a physician.

import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';
import { zstdDecompress } from 'node:zlib';
import { StartupError } from '../errors.ts';

export interface NearWord {
  /** A stem, as `stemWord` has it. */
  readonly term: string;
  /** Cosine of the two, 0.5 to 1. */
  readonly cosine: number;
}

/** The list that comes with the program (`tools/distil/near-words.ts`). */
export class NearWords {
  /** The commonest words first, as the table has them; a line is taken apart where it is asked for. */
  readonly #lines: readonly string[];
  /** Of lines, by the stems that they begin with. */
  readonly #places = new Map<string, number>();

  constructor(list: string) {
    this.#lines = list.split('\n');
    this.#lines.forEach((line, place) => {
      const end = line.indexOf(' ');
      if (end > 0) this.#places.set(line.slice(0, end), place);
    });
  }

  /**
   * How rare a stem is in English, from near 0 for the commonest to 1, by the logarithm of its rank (Zipf's law makes that
   * a measure of its idf); 1 of a stem that the list lacks, as names and numbers are.
   */
  rarity(stem: string): number {
    const place = this.#places.get(stem);
    return place === undefined ? 1 : Math.log(2 + place) / Math.log(2 + this.#lines.length);
  }

  /** The nearest first; none of a stem that the list lacks. */
  of(stem: string): NearWord[] {
    const place = this.#places.get(stem);
    if (place === undefined) return [];
    const [, ...entries] = (this.#lines[place] as string).split(' ');
    return entries.map((entry) => {
      const at = entry.indexOf(':');
      return { term: entry.slice(0, at), cosine: Number(entry.slice(at + 1)) / 100 };
    });
  }
}

/** Throws `StartupError` where the list is missing or damaged. */
export async function readNearWords(url: URL = listUrl()): Promise<NearWords> {
  try {
    return new NearWords((await promisify(zstdDecompress)(await readFile(url))).toString('latin1'));
  } catch (error) {
    throw new StartupError(
      `the list of near words that comes with the program cannot be read: ${(error as Error).message}`,
      'Install context-manager again: its folder word-vectors is not whole.',
      error,
    );
  }
}

function listUrl(): URL {
  const root = import.meta.url.endsWith('.ts') ? '../../..' : '../../../..';
  return new URL(`${root}/word-vectors/near-words.txt.zst`, import.meta.url);
}

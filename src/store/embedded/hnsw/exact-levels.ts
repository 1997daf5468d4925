// Levels that were tried with an index and are read through sooner: up to how many vectors, so that not every start tries
// again. One small file each, beside the indexes; derived like these.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export const EXACT_EXTENSION = '.exact';
const NAME = /^\d+-[123]\.exact$/;

export class ExactLevels {
  readonly #folder: string;
  readonly #stamp: string;
  readonly #until = new Map<string, number>();

  /** Reads what an earlier process noted. `stamp`: what it depends on; noted with another it counts for nothing. */
  constructor(folder: string, stamp: string) {
    this.#folder = folder;
    this.#stamp = stamp;
    for (const file of readdirSync(folder)) {
      const until = NAME.test(file) ? readNote(join(folder, file), stamp) : null;
      if (until !== null) this.#until.set(file.slice(0, -EXACT_EXTENSION.length), until);
    }
  }

  /** Vectors of the level up to which no index is worth it; 0: that is not known. */
  until(key: string): number {
    return this.#until.get(key) ?? 0;
  }

  /** Where the disk refuses it, the next process tries again. */
  note(key: string, until: number): void {
    this.#until.set(key, until);
    try {
      writeFileSync(this.#path(key), JSON.stringify({ until, stamp: this.#stamp }), { mode: 0o600 });
    } catch {
      return;
    }
  }

  forget(key: string): void {
    if (!this.#until.delete(key)) return;
    try {
      rmSync(this.#path(key), { force: true });
    } catch {
      return;
    }
  }

  #path(key: string): string {
    return join(this.#folder, `${key}${EXACT_EXTENSION}`);
  }
}

function readNote(path: string, wanted: string): number | null {
  try {
    const { until, stamp } = JSON.parse(readFileSync(path, 'utf8')) as { until: number; stamp: string };
    return stamp === wanted && Number.isSafeInteger(until) && until > 0 ? until : null;
  } catch {
    return null;
  }
}

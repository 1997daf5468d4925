import { statSync } from 'node:fs';

/**
 * Whether files are still those that were opened. A file that was deleted or moved away can be written for as long as
 * it is open, and all of that is gone with the process: what is written there must not be acknowledged.
 */
export class FileIdentity {
  readonly #paths: readonly string[];
  readonly #known = new Map<string, string>();

  /** A file counts from the first look that finds it. */
  constructor(paths: readonly string[]) {
    this.#paths = paths;
  }

  /** The path of a file that is gone or was replaced; null where all are in their places. */
  missing(): string | null {
    for (const path of this.#paths) {
      const found = statSync(path, { throwIfNoEntry: false });
      const identity = found === undefined ? null : `${found.dev}:${found.ino}`;
      const known = this.#known.get(path);
      if (known !== undefined && known !== identity) return path;
      if (known === undefined && identity !== null) this.#known.set(path, identity);
    }
    return null;
  }
}

// Whether contexts with passages have been written: until then no search asks for any.

import { CodedError } from '../../base/errors.ts';
import { DENSE, PASSAGES } from './points.ts';

export interface PassageUseDeps {
  /** The collections have room for them. */
  readonly isPossible: boolean;
  /** This server cuts texts, and others over the same collections may have done so. */
  readonly isExpected: boolean;
  /** Some server has told that it has written some. */
  readonly isNoted: boolean;
  /** Tells all servers that start from now on. */
  readonly note: () => Promise<void>;
}

/** Names of what has to go along with a point: of collections without room for passages none can be asked for. */
export function storedVectors({ isPossible }: PassageUse): readonly string[] {
  return isPossible ? [DENSE, PASSAGES] : [DENSE];
}

export class PassageUse {
  /** The collections have room for them: they were made by a version of this program that knows of passages. */
  readonly isPossible: boolean;
  readonly #isExpected: boolean;
  readonly #note: () => Promise<void>;
  #isNoted: boolean;
  #noting: Promise<void> | undefined;

  constructor({ isPossible, isExpected, isNoted, note }: PassageUseDeps) {
    this.isPossible = isPossible;
    this.#isExpected = isExpected;
    this.#isNoted = isNoted;
    this.#note = note;
  }

  /** Searches have to look for them. */
  get isBegun(): boolean {
    return this.isPossible && (this.#isNoted || this.#isExpected);
  }

  /** To be waited for before the first are written. */
  async begin(): Promise<void> {
    if (this.#isNoted) return;
    if (!this.isPossible) {
      const message = 'the collections were made without room for passages: docs/qdrant.md says how to get new ones';
      throw new CodedError('STORE_UNAVAILABLE', message, { permanent: true });
    }
    try {
      await (this.#noting ??= this.#note());
      this.#isNoted = true;
    } finally {
      this.#noting = undefined;
    }
  }
}

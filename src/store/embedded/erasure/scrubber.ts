import type { DatabaseSync } from 'node:sqlite';
import type { WireScrub, WireScrubbed } from '../border/erasure-messages.ts';
import type { Pace } from '../border/steps.ts';
import type { Spaces } from '../database/spaces.ts';
import type { IndexKeeper } from '../hnsw/index-keeper.ts';
import type { Residents } from '../memory/residents.ts';
import type { SavedNamespaces } from '../saved/saved-namespaces.ts';
import { BLANKING_START, FileBlanking, TooLargeToBlank } from './file-blanking.ts';

export interface ScrubberDeps {
  readonly database: DatabaseSync;
  readonly path: string;
  readonly spaces: Spaces;
  readonly keeper: IndexKeeper;
  readonly residents: Residents;
  readonly saved: SavedNamespaces;
  readonly pace: Pace;
}

const DONE: WireScrubbed = { waits: false, next: null, blankedPages: 0, indexFiles: 0, isTooLarge: false };

/** What is to be done after rows are deleted, so that nothing is left of what they said; a step at a time. */
export class Scrubber {
  readonly #deps: ScrubberDeps;
  readonly #file: FileBlanking;

  constructor(deps: ScrubberDeps) {
    this.#deps = deps;
    this.#file = new FileBlanking(deps.database, deps.path);
  }

  /** No transaction is open. */
  step(request: WireScrub): WireScrubbed {
    return request.step === 'namespace' ? this.#forget(request) : this.#blank(request);
  }

  /** After the database. */
  close(): void {
    this.#file.close();
  }

  #forget({ namespace, isWhole }: Extract<WireScrub, { step: 'namespace' }>): WireScrubbed {
    const { spaces, keeper, residents, saved } = this.#deps;
    const space = spaces.get(namespace);
    if (space === undefined) return DONE;
    if (saved.stop(space.id)) return { ...DONE, waits: true };
    const segments = keeper.forget(space.id);
    if (segments === null) return { ...DONE, waits: true };
    const indexFiles = segments + saved.forget(space.id);
    residents.dropIdle(space.id);
    if (isWhole) spaces.forget(space);
    return { ...DONE, indexFiles };
  }

  #blank({ place }: Extract<WireScrub, { step: 'file' }>): WireScrubbed {
    const { pace } = this.#deps;
    try {
      return { ...DONE, blankedPages: 0, next: place, ...this.#file.slice(place ?? BLANKING_START, () => pace.isOver) };
    } catch (error) {
      this.#file.end();
      if (error instanceof TooLargeToBlank) return { ...DONE, isTooLarge: true };
      throw error;
    }
  }
}

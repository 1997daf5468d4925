import { oneLine } from '../../base/control-characters.ts';
import type { Output } from '../terminal/node-output.ts';

const PROBLEMS_SHOWN = 20;

/** What could not be stored: all are counted, the first of them are shown. */
export class Problems {
  count = 0;
  readonly #skip: boolean;
  readonly #shown: string[] = [];

  /** `skip`: to go on, however many there are. */
  constructor(skip: boolean) {
    this.#skip = skip;
  }

  get mustStop(): boolean {
    return this.count > 0 && !this.#skip;
  }

  /** `place` as in `line 3`. */
  add(place: string, message: string): void {
    this.count += 1;
    if (this.#shown.length < PROBLEMS_SHOWN) this.#shown.push(oneLine(`${place}: ${message}`));
  }

  /** For people. */
  async report(output: Output): Promise<void> {
    if (this.count === 0) return;
    const more = this.count - this.#shown.length;
    const lines = more > 0 ? [...this.#shown, `... and ${more} more`] : this.#shown;
    await output.write(lines.map((line) => `${line}\n`).join(''));
  }

  /** For programs. */
  get details(): object {
    const more = this.count - this.#shown.length;
    return { problems: this.#shown, ...(more > 0 ? { more } : {}) };
  }
}

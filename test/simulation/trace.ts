import { createHash } from 'node:crypto';

/** Lines that a failure shows of what came before it. */
const KEPT_LINES = 40;

/** All that happened in a run, as one digest: two runs are the same where theirs are. */
export class Trace {
  readonly #hash = createHash('sha256');
  readonly #last: string[] = [];
  readonly #now: () => number;
  readonly #tell: ((line: string) => void) | null;

  /** `now`: of the simulation, in milliseconds; `tell`: is given each line. */
  constructor(now: () => number, tell: ((line: string) => void) | null = null) {
    this.#now = now;
    this.#tell = tell;
  }

  note(event: string): void {
    const line = `${this.#now().toFixed(0).padStart(7)} ${event}`;
    this.#hash.update(line).update('\n');
    if (this.#last.push(line) > KEPT_LINES) this.#last.shift();
    this.#tell?.(line);
  }

  /** Something that happened to bytes, which count as they are. */
  bytes(event: string, bytes: Uint8Array): void {
    this.#hash.update(bytes);
    this.note(`${event} ${bytes.length} bytes`);
  }

  /** What happened last, the oldest first. */
  get last(): readonly string[] {
    return this.#last;
  }

  digest(): string {
    return this.#hash.copy().digest('hex');
  }
}

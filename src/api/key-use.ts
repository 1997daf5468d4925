/** How much a key is used. Times are milliseconds since the epoch. */
export class KeyUse {
  #requests = 0;
  #lastUsedAtMs: number | null = null;

  /** Requests that came with it and a good proof, those that were refused for other reasons included. */
  get requests(): number {
    return this.#requests;
  }

  /** Null: never. */
  get lastUsedAtMs(): number | null {
    return this.#lastUsedAtMs;
  }

  /** What a server before this one has counted. */
  recall(requests: number, lastUsedAtMs: number | null): void {
    this.#requests += requests;
    this.#lastUsedAtMs ??= lastUsedAtMs;
  }

  /** Somebody has come in with it. */
  entered(nowMs: number): void {
    this.#lastUsedAtMs = nowMs;
  }

  /** ... and asks for something. */
  asked(nowMs: number): void {
    this.#requests += 1;
    this.#lastUsedAtMs = nowMs;
  }
}

// That one process at a time does what two must not do at once, as making collections of another model: two would undo what
// servers do with what one of them has put in place. Qdrant has no locks, so whoever has the claim writes it anew every few seconds, and one that stands still
// is nobody's any more.

import type { Clock } from '../../base/clock.ts';
import { StartupError } from '../../base/errors.ts';
import type { Random } from '../../base/random.ts';
import { equals } from './filters.ts';
import type { HttpClient } from './http-client.ts';
import { META_POINTS, metaPath } from './meta.ts';

const BEAT_MS = 2_000;
const LOOK_MS = 1_000;
/** A process that was held up for less keeps its claim. */
const STILL_MS = 15_000;
const HOLDER_BYTES = 12;

/** What a claim is to. */
export interface Claimed {
  /** Of the point that holds the claim. */
  readonly id: number;
  /** Where another process has it. */
  readonly taken: () => Error;
}

export const REEMBEDDING: Claimed = { id: META_POINTS.reembedding, taken: reembeddingTaken };

export interface ClaimDeps {
  readonly http: HttpClient;
  readonly prefix: string;
  readonly clock: Clock;
  readonly random: Random;
}

interface ClaimPayload {
  readonly holder: string;
  readonly beat: number;
}

export class Claim {
  readonly #deps: ClaimDeps;
  readonly #claimed: Claimed;
  readonly #holder: string;
  #beat = 0;
  #beating: Promise<void> = Promise.resolve();
  #lastMs: number;
  #stop: () => void = () => {};

  constructor(deps: ClaimDeps, claimed: Claimed) {
    this.#deps = deps;
    this.#claimed = claimed;
    this.#holder = Buffer.from(deps.random.bytes(HOLDER_BYTES)).toString('base64url');
    this.#lastMs = deps.clock.monotonicMs();
  }

  /** Waits until an earlier claim has stood still for long enough. Throws `taken` where it does not. */
  static async take(deps: ClaimDeps, claimed: Claimed): Promise<Claim> {
    const claim = new Claim(deps, claimed);
    await claim.#take();
    return claim;
  }

  /** To be called before each write. Throws `taken` where the claim may be another's by now. */
  check(): void {
    if (this.#deps.clock.monotonicMs() - this.#lastMs > STILL_MS / 2) throw this.#claimed.taken();
  }

  /** `check` after work that may have held up what keeps the claim. */
  async renew(): Promise<void> {
    await this.#beatOnce().catch(() => undefined);
    this.check();
  }

  async release(): Promise<void> {
    this.#stop();
    await this.#beating;
    const { http, prefix } = this.#deps;
    const filter = { must: [{ has_id: [this.#claimed.id] }, equals('holder', this.#holder)] };
    await http.call('POST', `${metaPath(prefix)}/points/delete?wait=true&ordering=strong`, { filter });
  }

  async #take(): Promise<void> {
    const { clock } = this.#deps;
    await this.#write({ update_mode: 'insert_only' });
    const first = await this.#read();
    for (let waitedMs = 0; !this.#isOwn(first) && waitedMs < STILL_MS; waitedMs += LOOK_MS) {
      await new Promise<void>((resolve) => clock.after(LOOK_MS, resolve));
      const now = await this.#read();
      if (now === undefined) break;
      if (now.holder !== first?.holder || now.beat !== first.beat) throw this.#claimed.taken();
    }
    if (!this.#isOwn(first)) await this.#takeOver(first);
    this.#lastMs = clock.monotonicMs();
    this.#stop = clock.every(BEAT_MS, () => {
      this.#beating = this.#beatOnce().catch(() => undefined);
    });
  }

  async #takeOver(stale: ClaimPayload | undefined): Promise<void> {
    if (stale !== undefined) {
      const still = { must: [equals('holder', stale.holder), { key: 'beat', match: { value: stale.beat } }] };
      await this.#write({ update_mode: 'update_only', update_filter: still });
    }
    await this.#write({ update_mode: 'insert_only' });
    if (!this.#isOwn(await this.#read())) throw this.#claimed.taken();
  }

  /** Where it fails the claim is lost in a while: `check` tells. */
  async #beatOnce(): Promise<void> {
    const { clock } = this.#deps;
    const nowMs = clock.monotonicMs();
    this.#beat++;
    await this.#write({ update_mode: 'update_only', update_filter: { must: [equals('holder', this.#holder)] } });
    if (this.#isOwn(await this.#read())) this.#lastMs = nowMs;
  }

  #isOwn(found: ClaimPayload | undefined): boolean {
    return found?.holder === this.#holder;
  }

  async #write(how: object): Promise<void> {
    const { http, prefix } = this.#deps;
    const payload: ClaimPayload = { holder: this.#holder, beat: this.#beat };
    const body = { points: [{ id: this.#claimed.id, vector: {}, payload }], ...how };
    await http.call('PUT', `${metaPath(prefix)}/points?wait=true&ordering=strong`, body);
  }

  async #read(): Promise<ClaimPayload | undefined> {
    const { http, prefix } = this.#deps;
    const body = { ids: [this.#claimed.id], with_payload: true };
    const found = await http.call<{ payload: ClaimPayload }[]>('POST', `${metaPath(prefix)}/points`, body);
    return found[0]?.payload;
  }
}

function reembeddingTaken(): StartupError {
  return new StartupError(
    'another process is re-embedding what is stored, or restores a snapshot',
    'Wait until `context-manager reembed`, the server that starts with the new model, or the restore is done, and try again: what was done is kept.',
  );
}

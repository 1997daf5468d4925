/** Heartbeats of silence after which a peer is taken for gone (section 3). */
const HEARTBEATS_MAX = 3;

/**
 * How long a client may take nothing while its requests wait for the replies ahead of them. The kernel asks for more
 * only when a third of its buffer is free, which may be a megabyte, so the time must do for a slow reader as well
 * as for a lost packet sent again a few times; and it bounds how long the replies of one that is gone are kept.
 */
export const STALLED_MS = 10_000;

/** `ping`: it is time to send one. `silent`: nothing came for three heartbeats. `stalled`: nothing was taken for as long, or for `STALLED_MS` while requests waited. */
export type PeerState = 'alive' | 'ping' | 'silent' | 'stalled';

/** When a peer last gave a sign of life. All times are monotonic. */
export class PeerWatch {
  /** When the last bytes came: requests among them have waited since then. */
  arrivedMs: number;
  readonly #heartbeatMs: number;
  #aliveMs: number;
  #pingedMs: number;
  #takenBytes = 0;

  constructor(nowMs: number, heartbeatMs: number) {
    this.#heartbeatMs = heartbeatMs;
    this.arrivedMs = this.#aliveMs = this.#pingedMs = nowMs;
  }

  heard(nowMs: number): void {
    this.arrivedMs = this.#aliveMs = nowMs;
  }

  /** Silence counts from here: before, the peer was not listened to. */
  reset(nowMs: number): void {
    this.#aliveMs = nowMs;
  }

  /** Of a peer that is read from. After `ping` the caller sends one. */
  listening(nowMs: number): PeerState {
    if (nowMs - this.#aliveMs >= HEARTBEATS_MAX * this.#heartbeatMs) return 'silent';
    if (nowMs - this.#aliveMs < this.#heartbeatMs || nowMs - this.#pingedMs < this.#heartbeatMs) return 'alive';
    this.#pingedMs = nowMs;
    return 'ping';
  }

  /**
   * Of a peer that is not read from, and so cannot be heard: it lives as long as it takes what waits for it.
   * `takenBytes`: all that it ever took. `requestsWait`: bytes of its own are here that are not looked at.
   */
  reading(nowMs: number, unreadBytes: number, takenBytes: number, requestsWait: boolean): PeerState {
    if (unreadBytes === 0 || takenBytes !== this.#takenBytes) this.#aliveMs = nowMs;
    this.#takenBytes = takenBytes;
    const patienceMs = HEARTBEATS_MAX * this.#heartbeatMs;
    return nowMs - this.#aliveMs >= (requestsWait ? Math.min(patienceMs, STALLED_MS) : patienceMs)
      ? 'stalled'
      : 'alive';
  }
}

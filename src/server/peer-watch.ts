/** Heartbeats of silence after which a peer is taken for gone (section 3). */
const HEARTBEATS_MAX = 3;

/** `ping`: it is time to send one. `silent`: nothing came for three heartbeats. `stalled`: nothing was taken for as long. */
export type PeerState = 'alive' | 'ping' | 'silent' | 'stalled';

/** When a peer last gave a sign of life. All times are monotonic. */
export class PeerWatch {
  /** When the last bytes came: requests among them have waited since then. */
  arrivedMs: number;
  readonly #heartbeatMs: number;
  #aliveMs: number;
  #pingedMs: number;
  #unreadBytes = 0;

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

  /** Of a peer that is not read from, and so cannot be heard: it lives as long as it takes what waits for it. */
  reading(nowMs: number, unreadBytes: number): PeerState {
    if (unreadBytes === 0 || unreadBytes !== this.#unreadBytes) this.#aliveMs = nowMs;
    this.#unreadBytes = unreadBytes;
    return nowMs - this.#aliveMs >= HEARTBEATS_MAX * this.#heartbeatMs ? 'stalled' : 'alive';
  }
}

/** What is stored: the same for all. */
export interface PeerRecord {
  readonly position: number;
  readonly text: string;
  readonly vector: Float32Array;
}

/** A question, with its vector. */
export interface PeerQuestion {
  readonly text: string;
  readonly vector: Float32Array;
}

/** What was found of one question, best first. */
export interface Hit {
  readonly position: number;
  readonly text: string;
}

/** By the vector alone, or by the vector and the words. */
export type SearchKind = 'dense' | 'hybrid';

/** One memory or vector database, driven from JavaScript as its own pages advise. */
export interface Peer {
  /** Version and settings, as they are printed. */
  readonly settings: string;
  readonly kinds: readonly SearchKind[];
  /** The process that serves; the one that asks where it serves itself; -1: it is not on this machine. */
  readonly pid: number;
  /** Resolves when the batch is kept as the peer keeps what it acknowledges. */
  add(namespace: string, records: readonly PeerRecord[]): Promise<void>;
  /**
   * Resolves when its indexes hold all that was added, with how long it was watched doing nothing: milliseconds that are
   * no part of that.
   */
  untilIndexed(): Promise<number>;
  /** The ten best, with their texts. */
  search(kind: SearchKind, namespace: string, question: PeerQuestion): Promise<readonly Hit[]>;
  stop(): Promise<void>;
}

export const TOP = 10;

/** What a peer is told before it starts. */
export interface PeerOptions {
  readonly dimension: number;
  readonly namespaces: readonly string[];
}

/** Why a peer is not measured here; the others are. */
export class NotHere extends Error {}

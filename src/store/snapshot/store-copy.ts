import type { Level } from '../../base/context.ts';
import type { EmbeddingIdentity } from '../reembedding.ts';

/** What a file is, so that a changed bit shows. */
export interface FileSum {
  /** In the folder of the snapshot, without a path. */
  readonly name: string;
  readonly bytes: number;
  /** In hexadecimal. */
  readonly sha256: string;
}

export interface SnapshotFile extends FileSum {
  /** What it unpacks to; absent: it is not compressed. */
  readonly content?: FileSum;
}

/** One store's data as of one moment, as its driver left them in a folder. */
export interface StoreCopy {
  readonly store: string;
  /** Of the driver's own format. */
  readonly schema: number;
  /** What the vectors were made by. */
  readonly embedding: EmbeddingIdentity;
  readonly counts: Readonly<Record<Level, number>>;
  /** How many there are. Which they are, with their counts, stands in one of the files. */
  readonly namespaces: number;
  /** Number of the newest commit that is in it. */
  readonly lastCommit: number;
  readonly files: readonly SnapshotFile[];
}

/** Holds `NamespaceCounts[]`. */
export const NAMESPACES_FILE = 'namespaces.json';

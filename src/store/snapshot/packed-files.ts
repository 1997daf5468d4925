// Files of a snapshot: compressed with zstd, with the SHA-256 of what is written and of what it was made of.

import { createHash, type Hash } from 'node:crypto';
import { createReadStream, createWriteStream } from 'node:fs';
import { basename } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { constants, createZstdCompress, createZstdDecompress } from 'node:zlib';
import type { FileSum, SnapshotFile } from './store-copy.ts';

const CHUNK_BYTES = 1024 * 1024;
const PRIVATE_FILE = 0o600;
/** zstd's own default: faster than most disks, and a third to a half of the size. */
const LEVEL = 3;

/** Passes bytes on, counting and summing them. */
class Summing extends Transform {
  readonly #hash: Hash = createHash('sha256');
  readonly #bytesMax: number;
  bytes = 0;

  constructor(bytesMax = Infinity) {
    super();
    this.#bytesMax = bytesMax;
  }

  override _transform(chunk: Buffer, _: BufferEncoding, done: (error: Error | null, chunk?: Buffer) => void): void {
    this.bytes += chunk.length;
    if (this.bytes > this.#bytesMax) return done(new Error('it holds more than it says'));
    this.#hash.update(chunk);
    done(null, chunk);
  }

  sum(path: string): FileSum {
    return { name: basename(path), bytes: this.bytes, sha256: this.#hash.digest('hex') };
  }
}

/** Makes the file `target`, which is on the disk when this resolves. */
export function packFile(source: string, target: string, signal?: AbortSignal): Promise<SnapshotFile> {
  return packStream(createReadStream(source, { highWaterMark: CHUNK_BYTES }), basename(source), target, signal);
}

/** The same of what is read from somewhere; `name`: of the file that it unpacks to. */
export async function packStream(
  source: AsyncIterable<Uint8Array>,
  name: string,
  target: string,
  signal?: AbortSignal,
): Promise<SnapshotFile> {
  const content = new Summing();
  const packed = new Summing();
  const params = { [constants.ZSTD_c_compressionLevel]: LEVEL, [constants.ZSTD_c_checksumFlag]: 1 };
  await pipeline(
    source,
    content,
    createZstdCompress({ params, chunkSize: CHUNK_BYTES }),
    packed,
    createWriteStream(target, { flags: 'wx', mode: PRIVATE_FILE, flush: true }),
    { signal },
  );
  return { ...packed.sum(target), content: content.sum(name) };
}

/** What a packed file unpacks to, as it is read. */
export function unpackedStream(source: string): Readable {
  const packed = createReadStream(source, { highWaterMark: CHUNK_BYTES });
  const content = createZstdDecompress({ chunkSize: CHUNK_BYTES });
  pipeline(packed, content).catch((error: Error) => content.destroy(error));
  return content;
}

/** Makes the file `target` of a packed one, and gives what was read and written; never more than `bytesMax`. */
export async function unpackFile(source: string, target: string, bytesMax: number): Promise<FileSum> {
  const content = new Summing(bytesMax);
  await pipeline(
    createReadStream(source, { highWaterMark: CHUNK_BYTES }),
    createZstdDecompress({ chunkSize: CHUNK_BYTES }),
    content,
    createWriteStream(target, { flags: 'wx', mode: PRIVATE_FILE, flush: true }),
  );
  return content.sum(target);
}

export async function sumOf(path: string): Promise<FileSum> {
  const hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: CHUNK_BYTES }) as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    hash.update(chunk);
  }
  return { name: basename(path), bytes, sha256: hash.digest('hex') };
}

/** Names may differ. */
export function isSameSum(one: FileSum, other: FileSum): boolean {
  return one.bytes === other.bytes && one.sha256 === other.sha256;
}

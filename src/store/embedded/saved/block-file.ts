// A file of blocks behind one another, each with its length and a CRC-32 over it and all blocks before it: what is torn, cut
// off, or of another file is found out before it is used.

import { closeSync, openSync, readSync } from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { crc32 } from 'node:zlib';

/** Length and CRC-32 of a block, as u32, little-endian. */
const HEAD_BYTES = 8;

export class BlockWriter {
  readonly #file: FileHandle;
  #sum = 0;

  constructor(file: FileHandle) {
    this.#file = file;
  }

  /** `block` is not to change before this resolves. */
  async write(block: Uint8Array): Promise<void> {
    this.#sum = crc32(block, this.#sum);
    const head = Buffer.alloc(HEAD_BYTES);
    head.writeUInt32LE(block.byteLength, 0);
    head.writeUInt32LE(this.#sum, 4);
    const { bytesWritten } = await this.#file.writev([head, block]);
    if (bytesWritten !== HEAD_BYTES + block.byteLength) throw new Error('the disk took less than it was given');
  }

  /** What was written is on the disk when it resolves. */
  sync(): Promise<void> {
    return this.#file.datasync();
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}

export class BlockReader {
  readonly #file: number;
  readonly #head = Buffer.alloc(HEAD_BYTES);
  /** What `next` gives: memory that is new for each block costs more than reading it. */
  #room = new Uint8Array(0);
  #sum = 0;

  /** Throws where the file cannot be opened. */
  constructor(path: string) {
    this.#file = openSync(path, 'r');
  }

  /** The next block, at the start of a buffer, until the one after it is read. Throws where there is none or it is not what was written. */
  next(): Uint8Array<ArrayBuffer> {
    return this.#read((length) => {
      if (this.#room.length < length) this.#room = new Uint8Array(length);
      return this.#room.subarray(0, length);
    });
  }

  /** The next block, into `target`. Throws where it has another length. */
  into(target: Uint8Array): void {
    this.#read((length) => {
      if (length !== target.byteLength) throw new Error('a saved index holds something else than it says');
      return target;
    });
  }

  close(): void {
    closeSync(this.#file);
  }

  #read<T extends Uint8Array>(room: (length: number) => T): T {
    if (readSync(this.#file, this.#head) !== HEAD_BYTES) throw new Error('a saved index ends early');
    const length = this.#head.readUInt32LE(0);
    const block = room(length);
    if (readSync(this.#file, block) !== length) throw new Error('a saved index ends early');
    this.#sum = crc32(block, this.#sum);
    if (this.#sum !== this.#head.readUInt32LE(4)) throw new Error('the checksum of a saved index differs');
    return block;
  }
}

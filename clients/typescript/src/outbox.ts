import type { Duplex } from 'node:stream';

/** Past this many bytes that the socket has not taken, calls wait in the client's own queue. */
const BUFFERED_BYTES_MAX = 4 * 1024 * 1024;
/** Frames are joined up to this size: one copy costs less than many writes. */
const JOINED_BYTES_MAX = 64 * 1024;

/** Frames to be written, together once per tick. Bounded by whoever asks `hasRoom` first. */
export class FrameOutbox {
  readonly #stream: Duplex;
  #frames: Buffer[] = [];
  #bytes = 0;
  /** Which write the next frame goes out with, counted from 0: frames of this number have not left yet. */
  writeNumber = 0;
  readonly #flushSoon = (): void => this.flush();

  constructor(stream: Duplex) {
    this.#stream = stream;
  }

  get hasRoom(): boolean {
    return this.#bytes + this.#stream.writableLength < BUFFERED_BYTES_MAX;
  }

  push(frame: Buffer): void {
    // After all microtasks, so that all who were woken by one chunk share a write.
    if (this.#frames.length === 0) process.nextTick(this.#flushSoon);
    this.#frames.push(frame);
    this.#bytes += frame.length;
  }

  flush(): void {
    const frames = this.#frames;
    const bytes = this.#bytes;
    const stream = this.#stream;
    if (frames.length === 0 || stream.destroyed || stream.writableEnded) return;
    this.#frames = [];
    this.#bytes = 0;
    this.writeNumber += 1;
    if (frames.length === 1) {
      stream.write(frames[0]);
    } else if (bytes <= JOINED_BYTES_MAX) {
      stream.write(Buffer.concat(frames, bytes));
    } else {
      stream.cork();
      for (const frame of frames) stream.write(frame);
      stream.uncork();
    }
  }
}

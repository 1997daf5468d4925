import type { Duplex } from 'node:stream';
import type { Metrics } from '../../base/metrics.ts';
import { encodeFrameHead, frameHeadBytes } from '../../protocol/frame.ts';
import type { TagSequence } from '../../protocol/proof.ts';

/** Bodies from this length on are handed to the stream as they are; shorter ones are copied once, next to each other. */
const COPY_BYTES_MAX = 32 * 1024;
const LENGTH_FIELD_BYTES = 4;
/**
 * What the stream is given at a time, and what it has taken before it is given more. A stream tells of a write
 * when all of it is gone: in one piece, megabytes on a slow line would look like a client that takes nothing.
 */
const PIECE_BYTES = 64 * 1024;

/**
 * Outgoing frames of one connection: tagged in order, collected, and written once a tick. What the stream has no
 * room for waits here, in order, until `pump`. An idle writer holds no buffer. Its queue is bounded by the
 * connection, which watches `bufferedBytes`.
 */
export class FrameWriter {
  readonly #duplex: Duplex;
  readonly #metrics: Metrics;
  #tags: TagSequence | null = null;
  /** Tag and body by turns. */
  #queue: (Uint8Array | null)[] = [];
  #queuedBytes = 0;
  /** Assembled, and not given to the stream yet. */
  #backlog: Uint8Array[] = [];
  #backlogBytes = 0;
  #writtenBytes = 0;
  #scheduled = false;
  #ended = false;

  constructor(duplex: Duplex, metrics: Metrics) {
    this.#duplex = duplex;
    this.#metrics = metrics;
  }

  /** From the next frame on frames carry tags; before, nil (section 2). */
  startTags(tags: TagSequence): void {
    this.#tags = tags;
  }

  /** What the length field of a frame with this body says. */
  frameBytes(body: Uint8Array): number {
    return frameHeadBytes(this.#tags !== null, body.length) - LENGTH_FIELD_BYTES + body.length;
  }

  /** Bytes that the other side has not taken yet. */
  get bufferedBytes(): number {
    return this.#queuedBytes + this.#backlogBytes + this.#duplex.writableLength;
  }

  /** Bytes that have left the process so far: where it stands still, the other side takes nothing. */
  get takenBytes(): number {
    return this.#writtenBytes - this.#backlogBytes - this.#duplex.writableLength;
  }

  /** For a caller that sends in a row and flushes at its end: spares the timer that would do it otherwise. */
  hold(): void {
    this.#scheduled = true;
  }

  /** Queues one frame; it leaves with the next `flush`, at the latest when this tick ends. */
  send(body: Uint8Array): void {
    if (this.#ended) return;
    this.#queue.push(this.#tags === null ? null : this.#tags.sign(body), body);
    this.#queuedBytes += body.length;
    if (this.#scheduled) return;
    this.#scheduled = true;
    process.nextTick(flushScheduled, this);
  }

  flush(): void {
    this.#scheduled = false;
    if (this.#queue.length === 0) return;
    const queue = this.#queue;
    this.#queue = [];
    this.#queuedBytes = 0;
    if (this.#duplex.destroyed || this.#ended) return;
    this.#write(assemble(queue));
  }

  /** Flushes, then ends the stream: nothing is sent after it. */
  end(): void {
    if (this.#ended) return;
    this.flush();
    this.#ended = true;
    this.#give(Number.MAX_SAFE_INTEGER);
    this.#duplex.end();
  }

  /** Gives the stream what it has room for; to be called when it has drained. */
  pump(): void {
    const roomBytes = Math.max(PIECE_BYTES, this.#duplex.writableHighWaterMark);
    while (this.#backlog.length > 0 && this.#duplex.writableLength < roomBytes) this.#give(roomBytes);
  }

  /** Writes in one call until `roomBytes` lie in the stream. */
  #give(roomBytes: number): void {
    const duplex = this.#duplex;
    const backlog = this.#backlog;
    if (duplex.destroyed) {
      this.#backlog = [];
      this.#backlogBytes = 0;
      return;
    }
    duplex.cork();
    let next = 0;
    while (next < backlog.length && duplex.writableLength < roomBytes) {
      const chunk = backlog[next]!;
      const piece = chunk.length <= PIECE_BYTES ? chunk : chunk.subarray(0, PIECE_BYTES);
      if (piece === chunk) next += 1;
      else backlog[next] = chunk.subarray(PIECE_BYTES);
      this.#backlogBytes -= piece.length;
      duplex.write(piece);
    }
    backlog.splice(0, next);
    duplex.uncork();
  }

  #write(chunks: readonly Uint8Array[]): void {
    let bytes = 0;
    for (const chunk of chunks) bytes += chunk.length;
    this.#writtenBytes += bytes;
    this.#metrics.count('bytes_sent_total', undefined, bytes);
    if (chunks.length === 1 && this.#backlogBytes === 0 && this.#duplex.writableLength + bytes <= PIECE_BYTES) {
      this.#duplex.write(chunks[0]);
      return;
    }
    for (const chunk of chunks) this.#backlog.push(chunk);
    this.#backlogBytes += bytes;
    this.pump();
  }
}

function flushScheduled(writer: FrameWriter): void {
  writer.flush();
}

/** Frames of `queue` as few chunks: runs of short frames in one buffer, long bodies as they are. */
function assemble(queue: readonly (Uint8Array | null)[]): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  let from = 0;
  while (from < queue.length) {
    let bytes = 0;
    let until = from;
    let long: Uint8Array | null = null;
    while (until < queue.length && long === null) {
      const body = queue[until + 1]!;
      bytes += frameHeadBytes(queue[until] !== null, body.length);
      if (body.length < COPY_BYTES_MAX) bytes += body.length;
      else long = body;
      until += 2;
    }
    chunks.push(writeRun(queue, from, until, bytes));
    if (long !== null) chunks.push(long);
    from = until;
  }
  return chunks;
}

function writeRun(queue: readonly (Uint8Array | null)[], from: number, until: number, bytes: number): Uint8Array {
  const run = Buffer.allocUnsafe(bytes);
  let at = 0;
  for (let index = from; index < until; index += 2) {
    const body = queue[index + 1]!;
    at = encodeFrameHead(run, at, queue[index]!, body.length);
    if (body.length < COPY_BYTES_MAX) {
      run.set(body, at);
      at += body.length;
    }
  }
  return run;
}

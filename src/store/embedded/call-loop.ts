// The order in which the store worker takes its calls. Reads are answered as they are done, so that none
// waits for the disk behind a write; writes that wait share one commit; neither starves the other, and long
// reads let both through.

import { type MessagePort, receiveMessageOnPort } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import type { BusyTime } from './border/busy-time.ts';
import type { FromWorker, ToWorker, WireCall, WirePage, WireReply } from './border/messages.ts';
import { ReadQueue } from './read-queue.ts';
import type { QueuedCall, StoreEngine } from './store-engine.ts';

/** Writes that share one commit at most; what waits beyond them takes the next. */
const COMMIT_CALLS_MAX = 4096;
/**
 * Short reads go on so long while writes or long reads wait, and their replies travel together: waking the main thread for each,
 * which then writes to a socket for each, takes as long as a short read.
 */
const READ_SLICE_MS = 4;
/** No more replies travel together: the main thread works on them while the next ones are made. */
const REPLIES_TOGETHER = 6;
/** After so long timers and the index builder get their turn, however much waits. */
const TURN_MS = 50;

export class CallLoop {
  readonly #port: MessagePort;
  readonly #engine: StoreEngine;
  readonly #clock: Clock;
  readonly #busy: BusyTime;
  readonly #reads: ReadQueue;
  /** By their ids, the first first. */
  readonly #writes = new Map<number, QueuedCall>();
  #replies: WireReply[] = [];
  #closing: number | null = null;
  #isScheduled = false;

  /** `busy` is told how long the loop works. */
  constructor(port: MessagePort, engine: StoreEngine, clock: Clock, busy: BusyTime) {
    this.#port = port;
    this.#engine = engine;
    this.#reads = new ReadQueue(engine.pace, (queued) => engine.read(queued));
    this.#clock = clock;
    this.#busy = busy;
  }

  /** Takes a message and works until nothing waits, or until others of the thread need their turn. */
  receive(message: ToWorker): void {
    this.#enqueue(message);
    if (!this.#isScheduled) this.#run();
  }

  #run(): void {
    const startedMs = this.#clock.monotonicMs();
    const isDone = this.#work(startedMs + TURN_MS);
    this.#busy.addMs(this.#clock.monotonicMs() - startedMs);
    if (!isDone) return this.#runLater();
    if (this.#closing === null) return this.#engine.maintain();
    // Nothing else is done from here on: the main thread sends no more calls.
    this.#isScheduled = true;
    void this.#close(this.#closing);
  }

  async #close(id: number): Promise<void> {
    await this.#engine.close();
    this.#replies.push({ id, ok: true, value: null });
    this.#send(0);
    this.#port.close();
  }

  /** False: the time was over before the work was. */
  #work(endMs: number): boolean {
    this.#drain();
    while (this.#reads.size > 0 || this.#writes.size > 0 || this.#engine.mustFlush) {
      if (this.#clock.monotonicMs() > endMs) return false;
      this.#answerReads();
      this.#commitWrites();
      this.#goOnReading();
      this.#drain();
    }
    return true;
  }

  #runLater(): void {
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      this.#run();
    });
  }

  #enqueue(message: ToWorker): void {
    if (message.type === 'cancel') {
      for (const id of message.ids) this.#cancel(id);
      return;
    }
    const { nowMs, rows, vectors } = message;
    for (const call of message.calls) {
      if (call.kind === 'close') this.#closing = call.id;
      else if (isWrite(call)) this.#writes.set(call.id, { call, nowMs, rows, vectors });
      else {
        if (this.#reads.size > 0) this.#engine.searches.announce(call, vectors);
        this.#reads.add({ call, nowMs, rows, vectors });
      }
    }
  }

  #cancel(id: number): void {
    this.#reads.cancel(id);
    this.#engine.searches.forget(id);
    this.#writes.delete(id);
  }

  #drain(): void {
    for (let next = receiveMessageOnPort(this.#port); next !== undefined; next = receiveMessageOnPort(this.#port)) {
      this.#enqueue(next.message as ToWorker);
    }
  }

  #answerReads(): void {
    let endMs = this.#clock.monotonicMs() + READ_SLICE_MS;
    for (const read of this.#reads.waiting()) {
      const reply = this.#reads.begin(read);
      if (reply !== null) this.#replies.push(reply);
      if (this.#replies.length >= REPLIES_TOGETHER) this.#send(0);
      const nowMs = this.#clock.monotonicMs();
      if (nowMs < endMs) continue;
      if (this.#writes.size > 0 || this.#reads.hasBegun) break;
      this.#send(0);
      endMs = nowMs + READ_SLICE_MS;
    }
    this.#send(0);
  }

  #goOnReading(): void {
    const reply = this.#reads.goOn();
    if (reply === null) return;
    this.#replies.push(reply);
    this.#send(0);
  }

  #commitWrites(): void {
    if (this.#writes.size === 0 && !this.#engine.mustFlush) return;
    const writes = [...this.#writes.values()].slice(0, COMMIT_CALLS_MAX);
    for (const { call } of writes) this.#writes.delete(call.id);
    const { replies, committedWrites } = this.#engine.commit(writes);
    this.#replies.push(...replies);
    this.#send(committedWrites);
    this.#engine.maintain();
  }

  #send(committedWrites: number): void {
    if (this.#replies.length === 0) return;
    const replies = this.#replies;
    this.#replies = [];
    const message: FromWorker = {
      type: 'replies',
      replies,
      committedWrites: committedWrites > 0 ? [committedWrites] : [],
    };
    this.#port.postMessage(message, replies.flatMap(buffersOf));
  }
}

function isWrite({ kind }: WireCall): boolean {
  return kind === 'write' || kind === 'expire' || kind === 'change_documents';
}

/** What a reply carries that need not be copied. */
function buffersOf(reply: WireReply): ArrayBuffer[] {
  if (!reply.ok || reply.value === null) return [];
  const { value } = reply;
  if ('columns' in value) return [value.columns, value.idEnds.buffer as ArrayBuffer];
  if (!Array.isArray(value)) return [];
  return value.flatMap((page) => {
    if (!isPage(page)) return [];
    return [page.vectors, page.passages?.vectors].flatMap((vectors) =>
      vectors ? [vectors.buffer as ArrayBuffer] : [],
    );
  });
}

function isPage(value: unknown): value is WirePage {
  return typeof value === 'object' && value !== null && 'positions' in value;
}

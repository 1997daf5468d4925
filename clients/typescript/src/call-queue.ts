import type { Call } from './call.ts';

/**
 * Calls in the order they came; whoever pushes keeps it bounded. One may leave from the middle. The calls themselves know
 * their neighbours: a Set's old tables would keep those that left from being collected young, as `NumberMap` tells of a Map's.
 */
export class CallQueue {
  #first: Call | null = null;
  #last: Call | null = null;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  *[Symbol.iterator](): Generator<Call> {
    for (let call = this.#first; call !== null; call = call.behind) yield call;
  }

  /** `call` is in no queue. */
  push(call: Call): void {
    call.ahead = this.#last;
    if (this.#last === null) this.#first = call;
    else this.#last.behind = call;
    this.#last = call;
    this.#size += 1;
  }

  shift(): Call | undefined {
    const call = this.#first;
    if (call === null) return undefined;
    this.remove(call);
    return call;
  }

  /** Nothing happens where it is not in here. */
  remove(call: Call): void {
    const { ahead, behind } = call;
    if (ahead === null && this.#first !== call) return;
    if (ahead === null) this.#first = behind;
    else ahead.behind = behind;
    if (behind === null) this.#last = ahead;
    else behind.ahead = ahead;
    call.ahead = null;
    call.behind = null;
    this.#size -= 1;
  }

  takeAll(): Call[] {
    const all = [...this];
    for (const call of all) this.remove(call);
    return all;
  }
}

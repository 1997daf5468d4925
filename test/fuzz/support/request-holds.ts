import { Worker } from 'node:worker_threads';
import type { Credentials } from '../../support/wire-client.ts';

/** To the socket, or to one of the doors over HTTP. */
export type SentRequest =
  | {
      readonly port: number;
      readonly credentials: Credentials;
      /** As the server's clock has it. */
      readonly nowMs: number;
      readonly type: string;
      readonly payload: unknown;
    }
  | {
      readonly port: number;
      readonly path: string;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: Uint8Array;
    };

/** Milliseconds of this thread's processor time, so that others at work on the machine do not count. */
export interface Hold {
  /** In the longest turn of the event loop. */
  readonly longestMs: number;
  readonly allMs: number;
  /** Code or status of the answer. */
  readonly outcome: string;
}

/** What `work` takes of this thread. */
export async function holdOf(work: () => unknown): Promise<Hold> {
  let last = threadMs();
  const startMs = last;
  let longestMs = 0;
  let isOver = false;
  const look = (): void => {
    const now = threadMs();
    longestMs = Math.max(longestMs, now - last);
    last = now;
    if (!isOver) setImmediate(look);
  };
  setImmediate(look);
  const outcome = await work();
  isOver = true;
  look();
  return { longestMs, allMs: last - startMs, outcome: typeof outcome === 'string' ? outcome : 'ok' };
}

/** The best of some attempts: compilers and collectors take their time from one, not from all. */
export async function leastHold(work: () => unknown, attempts: number): Promise<Hold> {
  let least = await holdOf(work);
  for (let attempt = 1; attempt < attempts; attempt++) {
    const { longestMs, allMs, outcome } = await holdOf(work);
    least = { longestMs: Math.min(longestMs, least.longestMs), allMs: Math.min(allMs, least.allMs), outcome };
  }
  return least;
}

function threadMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/** What `work` takes of this thread when it is done again and again: the clock of a thread has ticks of some milliseconds. */
export async function meanMs(work: () => unknown): Promise<number> {
  const startMs = threadMs();
  let runs = 0;
  while (runs === 0 || (threadMs() - startMs < MEASURED_MS && runs < RUNS_MAX)) {
    await work();
    runs += 1;
  }
  return (threadMs() - startMs) / runs;
}

const MEASURED_MS = 80;
const RUNS_MAX = 200;

/** Sends requests from another thread. */
export class Sender {
  readonly #worker: Worker;

  constructor() {
    const file = import.meta.url.endsWith('.ts') ? './sender-worker.ts' : './sender-worker.js';
    this.#worker = new Worker(new URL(file, import.meta.url));
  }

  /** Hands a request over, which takes this thread's time. Resolves with what sends it and resolves with the code or status of the answer. */
  async ready(request: SentRequest): Promise<() => Promise<string>> {
    await this.#ask(request);
    return () => this.#ask('send');
  }

  /** Address of a model service in that thread. */
  upstreamUrl(): Promise<string> {
    return this.#ask('upstream');
  }

  #ask(what: unknown): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#worker.removeAllListeners();
      this.#worker.once('message', resolve);
      this.#worker.once('error', reject);
      this.#worker.postMessage(what);
    });
  }

  async close(): Promise<void> {
    await this.#worker.terminate();
  }
}

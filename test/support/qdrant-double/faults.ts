import type { IncomingMessage, ServerResponse } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

/** What goes wrong with a request. */
export type FaultKind =
  /** The connection ends without an answer. */
  | { readonly kind: 'drop' }
  /** No answer comes, and the connection stays open. */
  | { readonly kind: 'hang' }
  /** The connection ends in the middle of the answer's body. */
  | { readonly kind: 'cut' }
  | { readonly kind: 'status'; readonly status: number; readonly retryAfter?: string }
  /** The body comes in pieces of some bytes. */
  | { readonly kind: 'slow'; readonly pieceBytes: number; readonly pauseMs: number }
  /** 200 with a body that is no JSON. */
  | { readonly kind: 'garbage' }
  | { readonly kind: 'delay'; readonly delayMs: number };

export type Fault = FaultKind & {
  /** Of `METHOD /path`, without the query; absent: every request. */
  readonly on?: string | RegExp;
  /** How many requests it hits; absent: all of them. */
  readonly times?: number;
  /**
   * The request is carried out all the same, as when a server dies between doing and answering. `cut`, `slow` and
   * `delay` always carry it out.
   */
  readonly isApplied?: boolean;
  /** Told of each request that it hits. */
  readonly onHit?: () => void;
};

interface Active {
  readonly fault: Fault;
  left: number;
}

/** Answer of the double before a fault has its way with it. */
export interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string | Buffer;
}

/** Faults that the double has now; the earliest added one that fits a request hits it. */
export class Faults {
  #active: Active[] = [];
  readonly #ended = new AbortController();

  /** Returns what takes it away. */
  add(fault: Fault): () => void {
    const active = { fault, left: fault.times ?? Infinity };
    this.#active.push(active);
    return () => {
      this.#active = this.#active.filter((other) => other !== active);
    };
  }

  once(fault: Fault): () => void {
    return this.add({ ...fault, times: 1 });
  }

  clear(): void {
    this.#active = [];
  }

  /** Ends what waits. */
  close(): void {
    this.clear();
    this.#ended.abort();
  }

  /** Answers `request` with what `answer` gives, or worse. */
  async serve(label: string, request: IncomingMessage, reply: ServerResponse, answer: () => Answer): Promise<void> {
    const fault = this.#take(label);
    if (fault === undefined) return send(reply, answer());
    switch (fault.kind) {
      case 'drop':
        if (fault.isApplied) answer();
        return void request.socket.destroy();
      case 'hang':
        if (fault.isApplied) answer();
        return;
      case 'status': {
        if (fault.isApplied) answer();
        const { status, retryAfter } = fault;
        if (retryAfter !== undefined) reply.setHeader('retry-after', retryAfter);
        return send(reply, jsonError(status));
      }
      case 'garbage':
        if (fault.isApplied) answer();
        return send(reply, { status: 200, type: 'application/json', body: '{"result":[{"id":\u0000' });
      case 'delay':
        await this.#pause(fault.delayMs);
        return send(reply, answer());
      case 'cut': {
        const given = answer();
        writeHead(reply, given);
        const half = bytesOf(given).subarray(0, Math.floor(Buffer.byteLength(given.body) / 2));
        reply.write(half, () => request.socket.destroy());
        return;
      }
      case 'slow': {
        const given = answer();
        writeHead(reply, given);
        const bytes = bytesOf(given);
        for (let start = 0; start < bytes.length && !reply.destroyed; start += fault.pieceBytes) {
          reply.write(bytes.subarray(start, start + fault.pieceBytes));
          await this.#pause(fault.pauseMs);
        }
        reply.end();
      }
    }
  }

  #take(label: string): Fault | undefined {
    const active = this.#active.find(({ fault: { on }, left }) => left > 0 && isMeant(on, label));
    if (active === undefined) return undefined;
    active.left--;
    active.fault.onHit?.();
    return active.fault;
  }

  /** Ends early when the double closes. */
  async #pause(ms: number): Promise<void> {
    await sleep(ms, undefined, { signal: this.#ended.signal }).catch(() => {});
  }
}

const isMeant = (on: string | RegExp | undefined, label: string): boolean =>
  on === undefined || (typeof on === 'string' ? label.includes(on) : on.test(label));

function jsonError(status: number): Answer {
  const body = JSON.stringify({ status: { error: `Service internal error: injected ${status}` }, time: 0 });
  return { status, type: 'application/json', body };
}

function bytesOf({ body }: Answer): Buffer {
  return typeof body === 'string' ? Buffer.from(body) : body;
}

function writeHead(reply: ServerResponse, { status, type, body }: Answer): void {
  reply.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(body) });
}

function send(reply: ServerResponse, answer: Answer): void {
  writeHead(reply, answer);
  reply.end(answer.body);
}

import type { ServerResponse } from 'node:http';
import type { Clock } from '../../../base/clock.ts';

export interface LiveStreamDeps {
  readonly clock: Clock;
  /** What is sent. */
  readonly figures: () => Promise<object>;
  /** Called before each time. */
  readonly beforeEach: () => void;
}

interface Watcher {
  readonly response: ServerResponse;
  /** Whether it may still see them. */
  readonly isAllowed: () => boolean;
}

export const WATCHERS_MAX = 32;
const EVERY_MS = 1000;
/** How long a browser waits that lost its stream, in milliseconds. */
const RETRY_MS = 2000;
/** What may lie unread: some of the last ones. Whoever reads slower has the stream cut, and comes again. */
const UNREAD_BYTES_MAX = 64 * 1024;

/** Server-sent events for all who watch, made once for all of them: no timer runs where there is nobody. */
export class LiveStream {
  readonly #deps: LiveStreamDeps;
  readonly #watchers = new Set<Watcher>();
  #stopTimer: (() => void) | null = null;
  #isAsking = false;
  #isClosed = false;

  constructor(deps: LiveStreamDeps) {
    this.#deps = deps;
  }

  get isFull(): boolean {
    return this.#watchers.size >= WATCHERS_MAX;
  }

  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** Headers are sent here; the stream ends with the connection, with `close`, or when `isAllowed` says no. */
  add(response: ServerResponse, isAllowed: () => boolean): void {
    const watcher = { response, isAllowed };
    this.#watchers.add(watcher);
    response.on('error', () => response.destroy());
    response.once('close', () => this.#forget(watcher));
    response.setHeader('content-type', 'text/event-stream; charset=utf-8');
    // Read by nginx, which would wait for a buffer to fill.
    response.setHeader('x-accel-buffering', 'no');
    response.writeHead(200);
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#stopTimer ??= this.#deps.clock.every(EVERY_MS, () => void this.#tick());
    void this.#tick();
  }

  /** Ends every stream; no other begins. */
  close(): void {
    this.#isClosed = true;
    for (const { response } of this.#watchers) response.end();
  }

  #forget(watcher: Watcher): void {
    this.#watchers.delete(watcher);
    if (this.#watchers.size > 0) return;
    this.#stopTimer?.();
    this.#stopTimer = null;
  }

  async #tick(): Promise<void> {
    // Comes where the figures take longer: proxies cut what is silent.
    if (this.#isAsking) return this.#send(': waiting\n\n');
    this.#isAsking = true;
    try {
      this.#deps.beforeEach();
      this.#send(`event: figures\ndata: ${JSON.stringify(await this.#deps.figures())}\n\n`);
    } catch {
      this.#send(': no figures\n\n');
    } finally {
      this.#isAsking = false;
    }
  }

  #send(text: string): void {
    for (const { response, isAllowed } of this.#watchers) {
      if (response.writableLength > UNREAD_BYTES_MAX) response.destroy();
      else if (!isAllowed()) response.end();
      else if (!response.writableEnded) response.write(text);
    }
  }
}

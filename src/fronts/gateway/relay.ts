import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { HttpFault } from './http-fault.ts';
import type { UpstreamReply } from './upstream.ts';

/** What concerns one connection, or is made anew here. */
const NOT_PASSED_ON: ReadonlySet<string> = new Set([
  'connection',
  'content-encoding',
  'content-length',
  'keep-alive',
  'proxy-authenticate',
  'proxy-connection',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Headers of an upstream's answer as they are told on. */
export function passedHeaders(headers: IncomingHttpHeaders): Record<string, string | string[]> {
  const passed: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && !NOT_PASSED_ON.has(name)) passed[name] = value;
  return passed;
}

export interface RelayOptions {
  readonly clock: Clock;
  /** How long the upstream may pause. */
  readonly idleMs: number;
  /** Is shown every piece as it passes. */
  readonly beside?: (chunk: Buffer) => void;
}

/**
 * Passes the pieces of an answer on as they come, no faster than the client reads. Whoever called says how it begins and ends.
 * Rejects where the upstream breaks off or pauses for too long, or the client is gone.
 */
export async function relay(
  { body }: Pick<UpstreamReply, 'body'>,
  response: ServerResponse,
  { clock, idleMs, beside }: RelayOptions,
): Promise<void> {
  const watch = new IdleWatch(clock, idleMs, () =>
    body.destroy(new HttpFault('UPSTREAM_TIMEOUT', 'the upstream paused for too long')),
  );
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      watch.stop();
      beside?.(chunk);
      if (!response.write(chunk)) await drained(response);
      watch.start();
    }
  } finally {
    watch.end();
  }
}

/** Reads an answer whole, up to a bound; what came by then is given where there is more. */
export async function readWhole(
  { body }: Pick<UpstreamReply, 'body'>,
  bytesMax: number,
  { clock, idleMs }: RelayOptions,
): Promise<{ readonly chunks: Buffer[]; readonly isWhole: boolean }> {
  const watch = new IdleWatch(clock, idleMs, () =>
    body.destroy(new HttpFault('UPSTREAM_TIMEOUT', 'the upstream paused for too long')),
  );
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    // The rest is still to be read where there is more than fits.
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      watch.start();
      chunks.push(chunk);
      bytes += chunk.length;
      if (bytes > bytesMax) return { chunks, isWhole: false };
    }
    return { chunks, isWhole: true };
  } finally {
    watch.end();
  }
}

function drained(response: ServerResponse): Promise<void> {
  return new Promise((resolve, reject) => {
    const onDrain = (): void => {
      response.off('close', onClose);
      resolve();
    };
    const onClose = (): void => {
      response.off('drain', onDrain);
      reject(new ClientGone());
    };
    if (response.destroyed) return reject(new ClientGone());
    response.once('drain', onDrain);
    response.once('close', onClose);
  });
}

/** The client hung up. */
class ClientGone extends Error {}

/** One timer for a whole answer: it looks when the last of it came. */
class IdleWatch {
  readonly #clock: Clock;
  readonly #idleMs: number;
  readonly #onIdle: () => void;
  #cancel: () => void = () => {};
  /** Null: nothing is waited for. */
  #sinceMs: number | null;

  constructor(clock: Clock, idleMs: number, onIdle: () => void) {
    this.#clock = clock;
    this.#idleMs = idleMs;
    this.#onIdle = onIdle;
    this.#sinceMs = clock.monotonicMs();
    this.#wait(idleMs);
  }

  stop(): void {
    this.#sinceMs = null;
  }

  start(): void {
    this.#sinceMs = this.#clock.monotonicMs();
  }

  end(): void {
    this.#cancel();
  }

  #wait(ms: number): void {
    this.#cancel = this.#clock.after(ms, () => {
      if (this.#sinceMs === null) return this.#wait(this.#idleMs);
      const leftMs = this.#sinceMs + this.#idleMs - this.#clock.monotonicMs();
      if (leftMs > 0) this.#wait(leftMs);
      else this.#onIdle();
    });
  }
}

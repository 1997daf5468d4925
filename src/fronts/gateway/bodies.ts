import type { IncomingMessage, ServerResponse } from 'node:http';
import { badRequest, CodedError } from '../../base/errors.ts';

export interface BodyBounds {
  readonly bytesMax: number;
  /** Of all bodies together. */
  readonly bytesMaxTotal: number;
}

const RETRY_MS = 500;

/** Bodies of requests that are in memory. */
export class Bodies {
  readonly #bounds: BodyBounds;
  #bytes = 0;

  constructor(bounds: BodyBounds) {
    this.#bounds = bounds;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Reads a body whole; it counts until `response` is closed. Rejects with `PAYLOAD_TOO_LARGE`, `OVERLOADED`, or `BAD_REQUEST` of half a body. */
  async read(request: IncomingMessage, response: ServerResponse, ownBytesMax = Infinity): Promise<Buffer> {
    const { bytesMaxTotal } = this.#bounds;
    const bytesMax = Math.min(this.#bounds.bytesMax, ownBytesMax);
    if (Number(request.headers['content-length'] ?? 0) > bytesMax) throw tooLarge(bytesMax);
    let taken = 0;
    response.once('close', () => (this.#bytes -= taken));
    const chunks: Buffer[] = [];
    for await (const chunk of wholeOf(request)) {
      taken += chunk.length;
      this.#bytes += chunk.length;
      if (taken > bytesMax) throw tooLarge(bytesMax);
      if (this.#bytes > bytesMaxTotal) {
        throw new CodedError('OVERLOADED', 'the gateway holds as many requests as it may', { retryAfterMs: RETRY_MS });
      }
      chunks.push(chunk);
    }
    return chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
  }
}

/** A client that hangs up in the middle is no defect of ours. */
async function* wholeOf(request: IncomingMessage): AsyncGenerator<Buffer> {
  try {
    yield* request as AsyncIterable<Buffer>;
  } catch {
    throw badRequest('/', 'is cut off', 'the body is cut off');
  }
}

function tooLarge(bytesMax: number): CodedError {
  return new CodedError('PAYLOAD_TOO_LARGE', `the body has more than ${bytesMax} bytes`);
}

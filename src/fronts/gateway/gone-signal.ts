import type { ServerResponse } from 'node:http';

/** Aborted when the client hangs up before its answer is written. */
export function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  response.once('close', () => {
    if (!response.writableFinished) gone.abort();
  });
  return gone.signal;
}

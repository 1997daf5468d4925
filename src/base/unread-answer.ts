import type { ServerResponse } from 'node:http';

/**
 * Ends the connection of a client that takes nothing of an answer for so long while there is something to take. A connection on which
 * nothing moves because nothing is there is let alone, and looked at again when something is written.
 */
export function cutOffUnread(response: ServerResponse, idleMs: number): void {
  response.setTimeout(idleMs, () => {
    if (response.writableLength > 0 || (response.socket?.writableLength ?? 0) > 0) response.destroy();
  });
}

import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/**
 * Below 32,768 no system gives a port to those who ask for any one, so none that is told here is taken by somebody
 * else's `listen(0)` or outgoing connection between here and the process that it is for. The range is as wide as it
 * is so that two who ask at once hardly meet.
 */
const LOWEST = 12_000;
const END = 32_000;

/** A port of the loopback that nobody listens on, for a process that has to be told one. */
export async function freePort(): Promise<number> {
  for (;;) {
    const probe = createServer();
    const port = randomInt(LOWEST, END);
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('listening', () => resolve(true)).once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1');
    });
    if (!isFree) continue;
    probe.close();
    await once(probe, 'close');
    return port;
  }
}

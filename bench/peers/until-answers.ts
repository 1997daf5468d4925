import type { ChildProcess } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

const POLL_MS = 100;
const READY_MS_MAX = 60_000;

/** Rejects where the program ends before, or takes a minute. */
export async function untilAnswers(url: string, child: ChildProcess): Promise<void> {
  for (let waitedMs = 0; waitedMs < READY_MS_MAX; waitedMs += POLL_MS) {
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} ended with ${child.exitCode} before it answered`);
    const isReady = await fetch(url).then(
      ({ ok }) => ok,
      () => false,
    );
    if (isReady) return;
    await sleep(POLL_MS);
  }
  child.kill('SIGKILL');
  throw new Error(`${url} did not answer in time`);
}

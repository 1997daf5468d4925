import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** `model.onnx.tmp.<process>.<random>`, as the package calls what it downloads; it is renamed when it is whole. */
const DOWNLOAD = /\.tmp\.(\d+)\.-?[0-9a-z]+$/;

/**
 * Removes from the model's folder what downloads have left that were killed. A process of that number that lives may be
 * another (in a container each start has the same): its file is a leftover when nothing came for longer than a download
 * waits.
 */
export function removeLeftovers(folder: string, { silenceMs, nowMs }: { silenceMs: number; nowMs: number }): void {
  for (const name of namesIn(folder)) {
    const pid = DOWNLOAD.exec(name)?.[1];
    if (pid === undefined) continue;
    const path = join(folder, name);
    try {
      if (!isAlive(Number(pid)) || nowMs - statSync(path).mtimeMs > silenceMs) rmSync(path);
    } catch {
      // Gone meanwhile, or not to be removed: it is in nobody's way.
    }
  }
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    // Not there before the first download.
    return [];
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Another user's.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

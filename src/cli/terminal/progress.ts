import { SingleBar } from 'cli-progress';
import type { Io } from './io.ts';

export interface Progress {
  /** How much of the total is done, in bytes or whatever it counts, and a few words beside the bar. */
  update(done: number, note: string): void;
  stop(): void;
}

const NO_PROGRESS: Progress = { update() {}, stop() {} };

/** A bar on standard error where that is a terminal; without a total it only counts. */
export function createProgress(io: Io, total: number | undefined): Progress {
  const { terminal } = io.stderr;
  if (terminal === undefined) return NO_PROGRESS;
  const format = total === undefined ? '{note}' : '{bar} {percentage}%  {note}';
  const bar = new SingleBar({ format, stream: terminal, hideCursor: true, clearOnComplete: false, barsize: 30 });
  bar.start(total ?? 1, 0, { note: '' });
  return {
    update: (done, note) => bar.update(total === undefined ? 0 : Math.min(done, total), { note }),
    stop: () => bar.stop(),
  };
}

import { SingleBar } from 'cli-progress';
import type { Io } from './io.ts';

export interface Progress {
  /** Bytes read so far, and a few words beside the bar. */
  update(bytes: number, note: string): void;
  stop(): void;
}

const NO_PROGRESS: Progress = { update() {}, stop() {} };

/** A bar on standard error where that is a terminal; without a total it only counts. */
export function createProgress(io: Io, totalBytes: number | undefined): Progress {
  const { terminal } = io.stderr;
  if (terminal === undefined) return NO_PROGRESS;
  const format = totalBytes === undefined ? '{note}' : '{bar} {percentage}%  {note}';
  const bar = new SingleBar({ format, stream: terminal, hideCursor: true, clearOnComplete: false, barsize: 30 });
  bar.start(totalBytes ?? 1, 0, { note: '' });
  return {
    update: (bytes, note) => bar.update(totalBytes === undefined ? 0 : Math.min(bytes, totalBytes), { note }),
    stop: () => bar.stop(),
  };
}

/** Time as handed to whoever needs it, so that a whole server can run on a fake clock. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  nowMs(): number;
  /** Milliseconds from an arbitrary start; never goes back. */
  monotonicMs(): number;
  /** Runs `task` once after `delayMs`, or after `TIMER_MS_MAX`; the returned function cancels it. Keeps no process alive. */
  after(delayMs: number, task: () => void): () => void;
  /** Runs `task` every `intervalMs`; the returned function stops it. Keeps no process alive. */
  every(intervalMs: number, task: () => void): () => void;
}

/** The longest delay that a timer of the runtime takes, in milliseconds: a longer one would fire at once. */
export const TIMER_MS_MAX = 2 ** 31 - 1;

export const systemClock: Clock = {
  nowMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  after(delayMs, task) {
    const timer = setTimeout(task, Math.min(delayMs, TIMER_MS_MAX));
    timer.unref();
    return () => clearTimeout(timer);
  },
  every(intervalMs, task) {
    const timer = setInterval(task, intervalMs);
    timer.unref();
    return () => clearInterval(timer);
  },
};

const WAKE_MS = 3_600_000;

/** The process does not end by itself until the function is called that this gives. */
export function keepAlive(): () => void {
  const timer = setInterval(() => {}, WAKE_MS);
  return () => clearInterval(timer);
}

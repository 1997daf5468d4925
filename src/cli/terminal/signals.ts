import type { Log } from '../../base/log.ts';
import type { RunningServer } from '../../main.ts';
import type { LineFile } from '../../fronts/http/line-file.ts';
import { CommandError } from './command-error.ts';
import type { Io } from './io.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** 128 + 15, as shells report an end by SIGTERM. */
const KILLED_EXIT_CODE = 143;
/** 128 + 2, for Ctrl-C. */
const INTERRUPTED_EXIT_CODE = 130;

const EXIT_CODES = { SIGTERM: KILLED_EXIT_CODE, SIGINT: INTERRUPTED_EXIT_CODE } as const;

/** Until the returned function is called, a signal cleans up, says `message` and ends the process. */
export function onInterrupt(io: Io, message: string, cleanUp: () => void): () => void {
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    cleanUp();
    const end = (): void => process.exit(EXIT_CODES[signal]);
    io.stderr.write(`${message}\n`).then(end, end);
  };
  for (const signal of SIGNALS) process.once(signal, onSignal);
  return () => {
    for (const signal of SIGNALS) process.off(signal, onSignal);
  };
}

/**
 * The first signal aborts, with a `CommandError` as reason, for work that ends by itself then; a second one ends the process
 * at once. After `settle` signals do what they always do.
 */
export function abortOnSignal(
  message: string,
  remedy: string,
): { readonly signal: AbortSignal; readonly settle: () => void } {
  const controller = new AbortController();
  const onSignal = (signal: (typeof SIGNALS)[number]): void => {
    if (controller.signal.aborted) process.exit(EXIT_CODES[signal]);
    controller.abort(new CommandError(message, remedy, EXIT_CODES[signal]));
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  return {
    signal: controller.signal,
    settle: () => {
      for (const signal of SIGNALS) process.off(signal, onSignal);
    },
  };
}

/** Until the returned function is called, SIGHUP calls `task` and ends nothing. Windows has no such signal. */
export function onHangup(task: () => void): () => void {
  if (process.platform === 'win32') return () => undefined;
  process.on('SIGHUP', task);
  return () => void process.off('SIGHUP', task);
}

/**
 * Resolves when the first signal has stopped the server; a second one ends the process at once. A defect that no
 * caller caught is logged and ends it with exit code 1, as nobody knows what state it left behind.
 */
export function endWithSignals(server: RunningServer, log: Log, lines: LineFile): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      lines.flush();
      process.exit(KILLED_EXIT_CODE);
    }
    stopping = true;
    log.info({ signal }, 'stopping');
    server.stop().then(() => {
      log.info({}, 'stopped');
      resolve();
    }, reject);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  const onDefect = (error: unknown): void => {
    log.error({ error }, 'a defect ends the process');
    lines.flush();
    process.exit(1);
  };
  process.on('unhandledRejection', onDefect);
  process.on('uncaughtException', onDefect);
  return promise;
}

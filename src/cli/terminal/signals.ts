import type { Log } from '../../base/log.ts';
import type { RunningServer } from '../../main.ts';
import type { StderrTarget } from '../../fronts/http/log.ts';
import type { Io } from './io.ts';

const SIGNALS = ['SIGTERM', 'SIGINT'] as const;
/** 128 + 15, as shells report an end by SIGTERM. */
const KILLED_EXIT_CODE = 143;
/** 128 + 2, for Ctrl-C. */
const INTERRUPTED_EXIT_CODE = 130;

/** Until the returned function is called, Ctrl-C cleans up, says `message` and ends the process with exit code 130. */
export function onInterrupt(io: Io, message: string, cleanUp: () => void): () => void {
  const onSignal = (): void => {
    cleanUp();
    void io.stderr.write(`${message}\n`).then(() => process.exit(INTERRUPTED_EXIT_CODE));
  };
  process.once('SIGINT', onSignal);
  return () => process.off('SIGINT', onSignal);
}

/**
 * Resolves when the first signal has stopped the server; a second one ends the process at once. A defect that no
 * caller caught is logged and ends it with exit code 1, as nobody knows what state it left behind.
 */
export function endWithSignals(server: RunningServer, log: Log, target: StderrTarget): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  let stopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (stopping) {
      target.flush();
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
    target.flush();
    process.exit(1);
  };
  process.on('unhandledRejection', onDefect);
  process.on('uncaughtException', onDefect);
  return promise;
}

/** The log of a worker: each line goes to the main thread, which holds the real one. */
export interface WorkerLog {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export type WorkerLogLevel = keyof WorkerLog;

/** Errors lose their class between threads; what a reader of the log needs of them stays. */
export function forwardingLog(send: (level: WorkerLogLevel, fields: object, message: string) => void): WorkerLog {
  const forward = (level: WorkerLogLevel) => (fields: object, message: string) => {
    const plain = Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, describe(value)]));
    send(level, plain, message);
  };
  return { debug: forward('debug'), info: forward('info'), warn: forward('warn'), error: forward('error') };
}

function describe(value: unknown): unknown {
  if (!(value instanceof Error)) return value;
  return { type: value.name, message: value.message, stack: value.stack };
}

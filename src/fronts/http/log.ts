import pino from 'pino';
import type { Log } from '../../base/log.ts';
import type { Settings } from '../../config/settings.ts';

export interface LogOptions {
  readonly level: Settings['logging']['level'];
  /** `json`: one object a line; `text`: for reading in a terminal. */
  readonly format: Exclude<Settings['logging']['format'], 'auto'>;
}

/** Where log lines go, one call per line. */
export interface LogTarget {
  write(line: string): void;
}

export interface StderrTarget extends LogTarget {
  /** Writes what is still waiting; for the moment before an exit. */
  flush(): void;
}

// Nothing logs these; should a field of that name ever slip into a log call, it must not come out.
const SECRET_FIELDS = ['secret', 'api_token', 'apiToken', 'text', 'query', 'tag', 'payload'];
const REDACTED = SECRET_FIELDS.flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

/** Lines past this many waiting bytes are dropped rather than kept: a stalled reader of stderr must not stop the server. */
const WAITING_BYTES_MAX = 8 * 1024 * 1024;

/** Standard error, written without blocking the event loop. */
export function stderrTarget(): StderrTarget {
  const destination = pino.destination({ fd: 2, sync: false, maxLength: WAITING_BYTES_MAX });
  return {
    write: (line) => void destination.write(line),
    flush() {
      try {
        destination.flushSync();
      } catch {
        // A closed standard error takes no lines; there is nobody left to tell.
      }
    },
  };
}

/** A `Log` that writes to `target`; fields that could hold a secret or a text are redacted. */
export function createLog(options: LogOptions, target: LogTarget): Log {
  const stream = options.format === 'json' ? target : { write: (line: string) => target.write(toText(line)) };
  return pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: REDACTED, censor: '[redacted]' },
      serializers: { error: pino.stdSerializers.err },
    },
    stream,
  );
}

/** `12:30:01.250 warn  message key=value`, as seen in a terminal. */
function toText(line: string): string {
  const { time, level, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const clock = String(time).slice(11, 23);
  const shown = Object.entries(fields).map(
    ([name, value]) => ` ${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  return `${clock} ${String(level).padEnd(5)} ${String(msg)}${shown.join('')}\n`;
}

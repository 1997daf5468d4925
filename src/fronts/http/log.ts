import pino from 'pino';
import { escapeControls } from '../../base/control-characters.ts';
import type { Log } from '../../base/log.ts';
import { currentScope } from '../../base/request-scope.ts';
import type { Settings } from '../../config/settings.ts';
import { redactFields, redactLine } from './redact.ts';

export type LogLevel = Settings['logging']['level'];

export interface LogOptions {
  readonly level: LogLevel;
  /** `json`: one object a line; `text`: for reading in a terminal. */
  readonly format: Exclude<Settings['logging']['format'], 'auto'>;
  /** Never come out, wherever they stand; absent: none are known. */
  readonly secrets?: readonly string[];
}

/** Where log lines go, one call per line. */
export interface LogTarget {
  write(line: string): void;
}

/** A log whose least level can be changed while it is written. */
export interface ServerLog extends Log {
  level: LogLevel;
  /** From now on these do not come out either. */
  hide(secrets: readonly string[]): void;
}

/** More would cost every line too much. */
const SECRETS_MAX = 64;
/** Shorter ones would take words apart. */
const SECRET_CHARS_MIN = 6;

/**
 * A `Log` that writes to `target`. Lines of a request say which one it is; fields that could hold a secret or a text are
 * redacted, and so are passwords in addresses. What others sent steers no terminal and begins no line.
 */
export function createLog(options: LogOptions, target: LogTarget): ServerLog {
  let secrets: readonly string[] = [];
  const hide = (more: readonly string[]): void => {
    const long = more.filter((secret) => secret.length >= SECRET_CHARS_MIN);
    secrets = [...new Set([...long, ...secrets])].slice(0, SECRETS_MAX);
  };
  hide(options.secrets ?? []);
  const write = (line: string): void => target.write(`${escapeControls(redactLine(line, secrets).slice(0, -1))}\n`);
  const stream = { write: options.format === 'json' ? write : (line: string) => write(toText(line)) };
  const log = pino(
    {
      level: options.level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: redactFields },
      mixin: () => ({ ...currentScope()?.fields }),
      serializers: { error: errorFields, err: errorFields },
    },
    stream,
  );
  return Object.assign(log, { hide }) as ServerLog;
}

function errorFields(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // Its own fields may be anything.
  return redactFields({ ...pino.stdSerializers.err(error) });
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

import { getSystemErrorMessage } from 'node:util';
import { CodedError, StartupError } from '../../base/errors.ts';

type ExitCode = 1 | 2 | 130 | 143;

/** A command that cannot do what it was asked: shown as message and remedy, exit code 1 (2 for wrong usage, else a signal's). */
export class CommandError extends Error {
  readonly remedy: string | undefined;
  readonly exitCode: ExitCode;
  /** More of it for programs: what --json shows beside the message. */
  readonly details: object | undefined;

  constructor(message: string, remedy?: string, exitCode: ExitCode = 1, details?: object) {
    super(message);
    this.name = 'CommandError';
    this.remedy = remedy;
    this.exitCode = exitCode;
    this.details = details;
  }
}

/** The arguments do not make sense. */
export function usageError(message: string): CommandError {
  return new CommandError(message, undefined, 2);
}

export interface Explained {
  /** Where the error came from the server or the client. */
  readonly code?: string;
  readonly message: string;
  readonly remedy?: string;
  readonly details?: object;
  readonly exitCode: number;
}

const SERVER_DOWN_REMEDY = 'Start it with `context-manager serve`, or point --host and --port at it.';

const REMEDIES: Readonly<Record<string, string>> = {
  CONNECTION_FAILED: SERVER_DOWN_REMEDY,
  CONNECTION_LOST: 'The server went away; look at its log, and try again when it is back.',
  TIMEOUT: 'The server is overloaded or far away; `context-manager doctor` looks into it.',
  PROTOCOL_ERROR:
    'Something else answers on that port: check --host and --port (server.port, 7420 by default; not that of health and metrics).',
  AUTH_FAILED:
    'Check --key-id and the secret: --secret-file, PROTOCOL_SECRET, or the data folder of the running server.',
  AUTH_TIMEOUT: 'The server is overloaded or far away; try again.',
  FORBIDDEN: 'This key lacks the scope or the namespace: use another key with --key-id and --secret-file.',
  TIMESTAMP_OUT_OF_RANGE: "Set this machine's clock, or the server's: `context-manager doctor` shows the difference.",
  UNSUPPORTED_PROTOCOL: 'Client and server are of different versions: update the older one.',
  NOT_FOUND: 'Check the id and the --namespace: `context-manager list` shows what is there.',
  CONFLICT: 'The id is taken by another text; leave --id out to get a new one.',
  RATE_LIMITED: "Wait a moment; the limit is the key's rate_limit.",
  OVERLOADED: 'Wait a moment and try again.',
  EMBEDDING_UNAVAILABLE: 'The embedding service does not answer: `context-manager doctor`.',
  STORE_UNAVAILABLE: "The store does not answer: look at the server's log and at its disk.",
  SHUTTING_DOWN: 'Try again when the server is back.',
};

/** What to tell whoever typed the command; nothing but message, code and remedy. */
export function explain(error: unknown): Explained {
  if (error instanceof CommandError) {
    const { message, exitCode, details } = error;
    return withRemedy({ message, exitCode, ...(details === undefined ? {} : { details }) }, error.remedy);
  }
  if (error instanceof StartupError) return withRemedy({ message: error.message, exitCode: 1 }, error.remedy);
  if (isSystemError(error)) return { message: error.message, exitCode: 1 };
  if (error instanceof CodedError || isCoded(error)) {
    const { code, message } = error;
    return withRemedy({ code, message, exitCode: 1 }, REMEDIES[code]);
  }
  return { message: error instanceof Error ? error.message : String(error), exitCode: 1 };
}

/** Why the system refused something, without the path and the call: `no space left on device (ENOSPC)`. */
export function reasonOf(error: unknown): string {
  if (isSystemError(error)) return `${getSystemErrorMessage(error.errno)} (${error.code})`;
  return error instanceof Error ? error.message : String(error);
}

/** What a file or a socket of this machine answered. */
function isSystemError(error: unknown): error is Error & { code: string; errno: number } {
  return isCoded(error) && 'errno' in error && typeof error.errno === 'number';
}

function isCoded(error: unknown): error is Error & { code: string } {
  return error instanceof Error && 'code' in error && typeof error.code === 'string';
}

function withRemedy(explained: Explained, remedy: string | undefined): Explained {
  return remedy === undefined ? explained : { ...explained, remedy };
}
